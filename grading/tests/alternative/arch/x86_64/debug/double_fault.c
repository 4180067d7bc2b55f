// #DF: the CPU could not deliver an exception, nearly always for want of a stack. SDM vol. 3, section
// "Interrupt 8--Double Fault Exception (#DF)".

#include <arch/cpu.h>
#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/stack.h>
#include <kernel/panic.h>
#include <kernel/traps.h>

static noreturn void overflowed(const struct pt_regs *regs, const struct stack *stack, u64 address)
{
    panic_at(
        regs,
        "vector 8, #DF double fault: the %s has overflowed, 0x%lx is in its guard page, %p to %p",
        stack->name, address, stack->guard, stack->guard + PAGE_SIZE - 1);
}

void do_double_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    // LAB 5.5: A push into a guard page is a #PF, and so is that of the #PF's own frame: CR2 has the
    //          address, if it was pushed to. An abort: whoever returned would push there again.
    if (!stack_pushes_to(regs->rsp, read_cr2()) || stack_guarded_by(read_cr2()) == NULL)
        panic_at(regs, "vector 8, #DF double fault %s %lx %u", "of another kind, code", error_code,
                 vector);
    overflowed(regs, stack_guarded_by(read_cr2()), read_cr2());
}
