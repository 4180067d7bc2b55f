// Reading memory that may not be there: one instruction, and its row in the exception table.

#include <arch/exception_table.h>
#include <arch/safe.h>
#include <kernel/errno.h>

int read_safe(u64 address, u64 *value)
{
    asm goto(MAY_FAULT("mov rax, [%0]", "%l[fault]") "mov [%1], rax" ::"r"(address), "r"(value)
             : "rax", "memory"
             : fault);
    return 0;
fault:
    *value = 0;
    return -EFAULT;
}
