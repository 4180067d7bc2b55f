// The first frame, from which IRETQ makes a program, and the stack for the way back.

#include <arch/cpu.h>
#include <arch/hole.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/task.h>

void user_frame_make(struct pt_regs *regs, u64 rip, u64 rsp)
{
    // LAB 7.1: As if it had been interrupted before its first instruction. Ring 3 is said by the
    //          selectors alone; no flag but IF, and the one that is always set.
    hole("7.1");
}

void kernel_stack_use(const char *top)
{
    // LAB 7.2: The TSS holds the first RSP of a way in from ring 3 to ring 0.
    hole("7.2");
}
