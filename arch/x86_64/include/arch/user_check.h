// What must be true at the border between kernel and programs; docs/entry.md, "From ring 3". The checks that
// entered_from_user, leaving_to_user and the door of SYSCALL have in common.
#pragma once

#include <arch/msr.h>
#include <arch/percpu.h>
#include <kernel/task.h>

// Asked of the MSR, not by this_cpu(): that would be a read through the wrong base. And not by the sign: with
// FSGSBASE a program's base may lie in the upper half, too.
static inline bool gs_is_the_kernels(void)
{
    return percpu_is(msr_read(MSR_GS_BASE));
}

// The same by a read through GS, in a third of the instructions, for where it was the kernel's a moment ago:
// through a program's base it would most likely be a page fault, and so a panic, too.
static inline bool gs_is_still_the_kernels(void)
{
    u64 self;

    asm volatile("mov %0, gs:0" : "=r"(self));
    return percpu_is(self);
}

// Everybody looks for a program's registers at the top of its stack.
static inline bool frame_is_in_place(const struct pt_regs *regs)
{
    return regs == task_regs(current_task());
}

// The panics, of their own so that the checks stay short.
noreturn void gs_is_the_programs(const struct pt_regs *regs, const char *where);
noreturn void frame_is_elsewhere(const struct pt_regs *regs);
