// Tasks: made, given back, put on the CPU and taken from it.

#include <arch/fpu.h>
#include <arch/layout.h>
#include <arch/percpu.h>
#include <kernel/heap.h>
#include <kernel/regions.h>
#include <kernel/task.h>

enum { KERNEL_STACK_SIZE = 4 * PAGE_SIZE };

// Those that were given back, with their kernel stacks: the next ones take them over.
static struct task *spare;

static struct task *take(void)
{
    struct task *task = spare;

    if (task) {
        spare = task->next;
        return task;
    }
    task = heap_allocate(sizeof(*task));
    if (!task)
        return NULL;
    *task = (struct task){ .kernel_stack.name = "task's stack" };
    if (stack_make(&task->kernel_stack, KERNEL_STACK_SIZE) == 0)
        return task;
    heap_free(task);
    return NULL;
}

static void give_back(struct task *task)
{
    task->next = spare;
    spare = task;
}

struct task *task_new(const char *name)
{
    struct task *task = take();

    if (!task)
        return NULL;
    task->name = name;
    task->process = NULL;
    task->user = (struct user_state){ .fpu = fpu_new() };
    task->end = (struct task_end){ .ended = false };
    if (!task->user.fpu)
        goto no_fpu;
    task->space = space_new();
    if (!task->space)
        goto no_space;
    return task;

no_space:
    fpu_free(task->user.fpu);
no_fpu:
    give_back(task);
    return NULL;
}

void task_free(struct task *task)
{
    space_free(task->space);
    fpu_free(task->user.fpu);
    give_back(task);
}

void task_load(struct task *task)
{
    this_cpu()->current = task;
    space_switch(task->space);
    kernel_stack_use(task->kernel_stack.top);
    user_state_load(&task->user);
}

void task_unload(struct task *task)
{
    user_state_save(&task->user);
    space_switch(&kernel_space);
    this_cpu()->current = NULL;
}
