// What must be true at the border between kernel and programs, in every build. docs/entry.md, "From ring 3".

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/task.h>
#include <arch/vectors.h>
#include <kernel/panic.h>
#include <kernel/task.h>

// The kernel's lie in the upper half. Not by this_cpu(): that would be a read through the wrong base.
static bool gs_is_the_kernels(void)
{
    return (long)msr_read(MSR_GS_BASE) < 0;
}

void entered_from_user(const struct pt_regs *regs)
{
    if (!gs_is_the_kernels())
        panic_at(regs, "on the way in from a program: GS is still the user's, or again");
    if (regs != task_regs(this_cpu()->current))
        panic_at(
            regs,
            "on the way in from a program: its frame is at %p, and not at %p, the top of its stack",
            (const void *)regs, (const void *)task_regs(this_cpu()->current));
    if ((regs->cs & RPL_MASK) != RING_USER)
        panic_at(regs, "on the way in from a program: cs 0x%lx in its frame is not ring 3's",
                 regs->cs);
    if (!(regs->rflags & RFLAGS_IF))
        panic_at(regs, "on the way in from a program: it ran with interrupts off");
}

void leaving_to_user(const struct pt_regs *regs)
{
    if (!gs_is_the_kernels())
        panic_at(regs, "on the way out to a program: GS is not the kernel's");
    if (regs != task_regs(this_cpu()->current))
        panic_at(
            regs,
            "on the way out to a program: its frame is at %p, and not at %p, the top of its stack",
            (const void *)regs, (const void *)task_regs(this_cpu()->current));
    if (!(regs->rflags & RFLAGS_IF) || regs->rflags & RFLAGS_IOPL)
        panic_at(
            regs,
            "on the way out to a program: rflags 0x%lx would give it the interrupts or the ports",
            regs->rflags);
}
