// Exceptions that reach C.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/interrupts.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/symbols.h>
#include <kernel/traps.h>

// Not panic_at: an entry that passes a wrong vector may pass wrong regs, too. Not part of trap(): the
// frame of a panic would lie on the stack of every exception.
static noreturn __attribute__((noinline, cold)) void wrong_vector(u64 vector)
{
    panic("trap: the entry code passed 0x%lx as the vector", vector);
}

static noreturn __attribute__((noinline, cold)) void interrupts_left_on(u64 vector)
{
    panic("the handler of vector %lu, %s, has turned interrupts on and not off again", vector,
          vectors[vector].name);
}

void trap(struct pt_regs *regs, u64 error_code, u64 vector)
{
    if (vector >= VECTORS_COUNT)
        wrong_vector(vector);
    if (regs->rflags & RFLAGS_AC)
        clear_ac(); // the CPU leaves AC set: a handler must not run in the window of a user copy
    if (!vectors_ist[vector]) {
        vectors_handler[vector](regs, error_code, (unsigned)vector);
    } else { // IF does not hold it back: it may be in front of a page fault's look at CR2
        u64 fault_address = read_cr2();

        vectors_handler[vector](regs, error_code, (unsigned)vector);
        write_cr2(fault_address);
    }
    if (interrupts_enabled())
        interrupts_left_on(vector); // the next one could find its frame still in use
}

trap_handler *trap_set_handler(unsigned vector, trap_handler *handler)
{
    trap_handler *before = vectors_handler[vector];

    vectors_handler[vector] = handler ? handler : vectors[vector].handler;
    return before;
}

noreturn void trap_panic(const struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (error_code == NO_ERROR_CODE)
        panic_at(regs, "vector %u, %s", vector, vectors[vector].name);
    panic_at(regs, "vector %u, %s, error code 0x%lx", vector, vectors[vector].name, error_code);
}

// Whether rip is the instruction itself, and a row of the exception table may have foreseen what
// happened to it. With #DB and #OF rip is the next one, which is innocent. SDM vol. 3, section 6.5.
static bool may_be_foreseen(unsigned vector)
{
    return vector == VECTOR_GP || vector == VECTOR_SS;
}

// An exception that nothing in the kernel expects, but perhaps the instruction itself.
void do_bug(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (regs->cs & RPL_MASK)
        user_fault(regs, error_code, vector, 0, 0);
    else if (!may_be_foreseen(vector) || !exception_table_fixup(regs))
        trap_panic(regs, error_code, vector);
}

// int3 in the kernel, with no debugger that would want it: say where and go on.
void do_breakpoint(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (regs->cs & RPL_MASK) {
        user_fault(regs, error_code, vector, 0, 0);
        return;
    }
    print("# breakpoint before ");
    symbol_print(regs->rip);
    print("\n");
}
