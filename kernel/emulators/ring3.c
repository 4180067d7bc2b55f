// Rows about ring 3: what ends a program.

#include <arch/features.h>
#include <arch/segments.h>
#include <arch/vectors.h>
#include <kernel/emulators/row.h>
#include <kernel/flat.h>
#include <kernel/panic.h>

extern const struct flat read_unaligned, return_far, enter_by_sysenter, enter_by_syscall;

// Rows of ring 3 run when the kernel is complete, for they are programs.
#define ROW_IN_RING_3(name) TEST(name)

static void observe_end(const struct flat *flat)
{
    struct task *task = task_new("row");

    if (!task || flat_load(task, flat) != 0)
        panic("no memory for a program");
    task_run(task);
    observed("%.3s", vectors[task->end.vector].name);
    task_free(task);
}

// 32-bit code that enters, or does not; where it enters, it does not get far: it has no stack and no landing pad.
static void observe_entering(const struct flat *flat)
{
    struct task *task = task_new("row");

    if (!task || flat_load(task, flat) != 0)
        panic("no memory for a program");
    task_regs(task)->cs = USER32_CS;
    task_run(task);
    observed(task->end.regs.rip == FLAT_CODE ? "%.3s" : "enters", vectors[task->end.vector].name);
    task_free(task);
}

ROW_IN_RING_3(compat_sysenter)
{
    observe_entering(&enter_by_sysenter);
}

ROW_IN_RING_3(compat_syscall)
{
    observe_entering(&enter_by_syscall);
}

ROW_IN_RING_3(alignment_check)
{
    observe_end(&read_unaligned);
}

ROW_IN_RING_3(far_return_smap)
{
    if (!features.smap) {
        not_there();
        return;
    }
    observe_end(&return_far);
}
