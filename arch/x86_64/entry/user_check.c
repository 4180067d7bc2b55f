// What must be true at the border between kernel and programs, in every build. docs/entry.md, "From ring 3".

#include <arch/cpu.h>
#include <arch/task.h>
#include <arch/user_check.h>
#include <arch/vectors.h>
#include <kernel/panic.h>

void gs_is_the_programs(const struct pt_regs *regs, const char *where)
{
    panic_at(regs, "on the way %s a program: GS is still the user's, or again", where);
}

void frame_is_elsewhere(const struct pt_regs *regs)
{
    panic_at(
        regs,
        "on the way in from a program: its frame is at %p, and not at %p, the top of its stack",
        (const void *)regs, (const void *)task_regs(current_task()));
}

void entered_from_user(const struct pt_regs *regs)
{
    if (!gs_is_the_kernels())
        gs_is_the_programs(regs, "in from");
    if (!frame_is_in_place(regs))
        frame_is_elsewhere(regs);
    if ((regs->cs & RPL_MASK) != RING_USER)
        panic_at(regs, "on the way in from a program: cs 0x%lx in its frame is not ring 3's",
                 regs->cs);
    if (!(regs->rflags & RFLAGS_IF))
        panic_at(regs, "on the way in from a program: it ran with interrupts off");
}

// Where the frame lies has been asked on the way in: it is the same one.
void leaving_to_user(const struct pt_regs *regs)
{
    if (!gs_is_the_kernels())
        gs_is_the_programs(regs, "out to");
    if ((regs->rflags & (RFLAGS_IF | RFLAGS_IOPL)) != RFLAGS_IF)
        panic_at(
            regs,
            "on the way out to a program: rflags 0x%lx would give it the interrupts or the ports",
            regs->rflags);
}
