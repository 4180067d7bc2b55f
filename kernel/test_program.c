// A task for a test.

#include <kernel/errno.h>
#include <kernel/test.h>
#include <kernel/test_program.h>

struct task *test_program(struct task *task, const struct flat *flat)
{
    int error = task ? flat_load(task, flat) : -ENOMEM;

    report_error(error, 0, "a task with a program");
    return error ? NULL : task;
}
