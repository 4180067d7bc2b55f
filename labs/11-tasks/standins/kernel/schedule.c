// Before lab 11 nobody shares the CPU: whoever runs a program waits for its end.

#include <arch/interrupts.h>
#include <arch/percpu.h>
#include <kernel/task.h>

void task_run(struct task *task)
{
    bool enabled = interrupts_save();

    task_load(task);
    task_enter(&task->caller, task_regs(task));
    task_unload(task);
    interrupts_restore(enabled);
}

void task_stop(void)
{
    interrupts_disable();
    task_leave(this_cpu()->current->caller);
}

void exit_to_user(struct pt_regs *regs)
{
    leaving_to_user(regs);
}
