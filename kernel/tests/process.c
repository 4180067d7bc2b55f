// The kernel's own tests: processes.

#include <arch/vectors.h>
#include <kernel/file.h>
#include <kernel/flat.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/test.h>

TEST(process_life)
{
    enum { MANY = 20 };
    struct task *first = process_new("first"), *second = process_new("second");
    size_t before;

    report(first && second, "two processes");
    if (!first || !second)
        return;
    report_count(second->process->id, first->process->id + 1, "the second one's id");
    report_equal(first->process->files->directory, &root_tree.root,
                 "the directory that it begins in");
    process_free(second);
    before = pages_available();
    for (unsigned i = 0; i < MANY; i++) {
        struct task *task = process_new("one of many");

        report(task, "process %u", i);
        if (task)
            process_free(task);
    }
    report_count(pages_available(), before, "free pages after %u processes", MANY);
    process_free(first);
}

TEST(end_signals)
{
    const struct {
        unsigned vector;
        int signal;
    } rows[] = {
        { VECTOR_DE, 8 }, { VECTOR_DB, 5 },  { VECTOR_UD, 4 },  { VECTOR_SS, 7 },
        { VECTOR_AC, 7 }, { VECTOR_GP, 11 }, { VECTOR_PF, 11 }, { VECTOR_XM, 8 },
    };

    for (size_t i = 0; i < array_length(rows); i++) {
        struct task_end end = { .ended = true, .vector = rows[i].vector };

        report_count(process_end_signal(&end), rows[i].signal, "vector %u", rows[i].vector);
    }
    report_count(process_end_signal(&(struct task_end){ .ended = true, .exited = true }), 0,
                 "who exits has no signal");
}

TEST(ends_without_exit)
{
    static const char ud2[] = { 0x0f, 0x0b };
    const struct flat flat = { ud2, ud2 + sizeof(ud2) };
    struct task *task = process_new("ud2");

    report(task && flat_load(task, &flat) == 0, "a process with a flat program");
    task_run(task);
    report(task->end.ended && !task->end.exited, "it has ended, and not by itself");
    report_count(task->end.vector, VECTOR_UD, "by vector");
    process_free(task);
}
