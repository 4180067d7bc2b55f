// Before lab 07 there is no program that could do anything wrong: a frame that says so is wrong itself.

#include <arch/vectors.h>
#include <kernel/panic.h>
#include <kernel/traps.h>

void user_fault(struct pt_regs *regs, u64 error_code, unsigned vector, u64 address, int error)
{
    (void)error_code;
    (void)address;
    (void)error;
    panic_at(regs, "vector %u, %s: CS in the frame says ring 3, and there is no ring 3 yet", vector,
             vectors[vector].name);
}
