// Programs for the kernel's own tests: made and run.

#include <arch/paging.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/test_program.h>
#include <kernel/tests/programs.h>

struct task *program_new(const struct flat *flat)
{
    return test_program(task_new("test's"), flat);
}

void *program_page(const struct task *task, u64 address)
{
    u64 *entry = paging_entry(task->space->tables, address);

    return entry ? direct_map(*entry & PTE_ADDRESS) : NULL;
}

unsigned program_run(struct task *task)
{
    task->end = (struct task_end){ .ended = false };
    task_run(task);
    report(task->end.ended, "the program has stopped");
    return task->end.vector;
}
