// Rows about ring 3: what ends a program.

#include <arch/features.h>
#include <arch/segments.h>
#include <arch/vectors.h>
#include <kernel/emulators/row.h>
#include <kernel/flat.h>
#include <kernel/panic.h>

extern const struct flat read_unaligned, return_far, enter_by_sysenter, enter_by_syscall,
    return_by_kernels_frame, return_to_8086, load_reserved_mxcsr;

// Rows of ring 3 run when the kernel is complete, for they are programs; and so after all others.
#define ROW_IN_RING_3(name) TEST_LAST(name, __LINE__)

// Runs it with rdi and rsi; returns how it ended.
static struct task_end end_of(const struct flat *flat, u64 rdi, u64 rsi)
{
    struct task *task = task_new("row");
    struct task_end end;

    if (!task || flat_load(task, flat) != 0)
        panic("no memory for a program");
    task_regs(task)->rdi = rdi;
    task_regs(task)->rsi = rsi;
    task_run(task);
    end = task->end;
    task_free(task);
    return end;
}

static void observe_end(const struct flat *flat)
{
    observed("%.3s", vectors[end_of(flat, 0, 0).vector].name);
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

ROW_IN_RING_3(far_return_kernel)
{
    const struct flat *flat = &return_by_kernels_frame;
    const u64 frame[] = { FLAT_CODE + (u64)(flat->end - flat->start) - 1, USER_CS };

    observed("%.3s", vectors[end_of(flat, (u64)frame, 0).vector].name);
}

// SMAP alone would keep QEMU from reading the frame (far-return-smap).
ROW_IN_RING_3(iret_vm)
{
    u64 cr4 = read_cr4();
    struct task_end end;

    write_cr4(cr4 & ~CR4_SMAP);
    end = end_of(&return_to_8086, 0, FLAT_DATA + FLAT_DATA_SIZE);
    write_cr4(cr4);
    observed("%.3s%s", vectors[end.vector].name,
             end.regs.rflags & RFLAGS_VM ? " in virtual-8086 mode" : "");
}

ROW_IN_RING_3(mxcsr_reserved)
{
    observe_end(&load_reserved_mxcsr);
}
