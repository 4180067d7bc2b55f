// A program has done what it may not: it ends, and the kernel goes on.

#include <arch/percpu.h>
#include <arch/user_cause.h>
#include <arch/vectors.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <kernel/traps.h>

static noreturn void end_program(struct task *task, const struct task_end *end)
{
    task->end = *end;
    print("# program %s ends at 0x%lx: %s", task->name, end->regs.rip, vectors[end->vector].name);
    user_cause_print(end);
    print("\n");
    task_stop();
}

void user_fault(struct pt_regs *regs, u64 error_code, unsigned vector, u64 address, int error)
{
    struct task_end end = {
        .ended = true,
        .vector = vector,
        .error_code = error_code,
        .address = address,
        .error = error,
        .regs = *regs,
    };
    struct task *task = this_cpu()->current;

    if (task)
        end_program(task, &end);
    else
        panic_at(regs, "vector %u, %s: CS in the frame says ring 3, and no program runs", vector,
                 vectors[vector].name);
}
