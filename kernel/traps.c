// Exceptions that reach C.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/symbols.h>
#include <kernel/traps.h>

static trap_handler *handlers[VECTORS_COUNT];

// Not panic_at: an entry that passes a wrong vector may pass wrong regs, too. Not part of trap(): the
// frame of a panic would lie on the stack of every exception.
static noreturn __attribute__((noinline, cold)) void wrong_vector(u64 vector)
{
    panic("trap: the entry code passed 0x%lx as the vector", vector);
}

void trap(struct pt_regs *regs, u64 error_code, u64 vector)
{
    trap_handler *handler;

    if (vector >= VECTORS_COUNT)
        wrong_vector(vector);
    if (regs->rflags & RFLAGS_AC)
        clear_ac(); // the CPU leaves AC set: a handler must not run in the window of a user copy
    handler = handlers[vector];
    if (!handler)
        handler = vectors[vector].handler;
    handler(regs, error_code, (unsigned)vector);
}

trap_handler *trap_set_handler(unsigned vector, trap_handler *handler)
{
    trap_handler *before = handlers[vector];

    handlers[vector] = handler;
    return before;
}

// An exception that nothing in the kernel expects, but perhaps the instruction itself.
void do_bug(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (exception_table_fixup(regs))
        return;
    if (error_code == NO_ERROR_CODE)
        panic_at(regs, "vector %u, %s", vector, vectors[vector].name);
    panic_at(regs, "vector %u, %s, error code 0x%lx", vector, vectors[vector].name, error_code);
}

// int3 in the kernel, with no debugger that would want it: say where and go on.
void do_breakpoint(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    print("# breakpoint before ");
    symbol_print(regs->rip);
    print("\n");
}
