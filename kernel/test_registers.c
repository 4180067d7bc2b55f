// Names and values of the registers that tests look at.

#include <kernel/test.h>
#include <kernel/test_registers.h>

const char *const register_names[GENERAL_REGISTERS] = { "r15", "r14", "r13", "r12", "rbp",
                                                        "rbx", "r11", "r10", "r9",  "r8",
                                                        "rax", "rcx", "rdx", "rsi", "rdi" };

void fill_registers(u64 *registers)
{
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        registers[i] = test_pattern();
}
