// Processes: made, given back, and ended by themselves.

#include <arch/layout.h>
#include <arch/vectors.h>
#include <kernel/exec.h>
#include <kernel/file.h>
#include <kernel/heap.h>
#include <kernel/process.h>
#include <kernel/signals.h>
#include <kernel/time.h>

enum { FIRST_ID = 2 }; // 1 is whoever starts programs: the kernel itself

static int next_id = FIRST_ID;

// The terminal is one file with three descriptors, as a shell would give it.
static struct files *files_of_terminal(void)
{
    struct files *files = files_new();
    struct file *console = file_console();

    if (!files || !console)
        goto no_memory;
    for (unsigned fd = 0; fd < 3; fd++) {
        console->users++;
        files_set(files, fd, console, false);
    }
    file_put(console);
    return files;

no_memory:
    file_put(console);
    if (files)
        files_free(files);
    return NULL;
}

static void set_limits(struct limit *limits)
{
    for (unsigned i = 0; i < LIMITS; i++)
        limits[i] = (struct limit){ UNLIMITED, UNLIMITED };
    limits[LIMIT_STACK].now = EXEC_STACK_MOST;
    limits[LIMIT_FILES] = (struct limit){ FILES_MOST, FILES_MOST };
}

struct task *process_new(const char *name)
{
    struct process *process = heap_allocate(sizeof(*process));
    struct task *task;

    if (!process)
        return NULL;
    *process = (struct process){
        .id = next_id++,
        .parent = 1,
        .files = files_of_terminal(),
        .addresses_end = USER_END - PAGE_SIZE,
        .started = time_ns(),
    };
    set_limits(process->limits);
    if (!process->files)
        goto no_files;
    task = task_new(name);
    if (!task)
        goto no_task;
    task->process = process;
    return task;

no_task:
    files_free(process->files);
no_files:
    heap_free(process);
    return NULL;
}

void process_free(struct task *task)
{
    files_free(task->process->files);
    heap_free(task->process);
    task_free(task);
}

void process_exit(int status)
{
    struct task *task = this_cpu()->current;

    task->end = (struct task_end){
        .ended = true,
        .exited = true,
        .status = status & 0xff,
        .regs = *task_regs(task),
    };
    task_stop();
}

int process_end_signal(const struct task_end *end)
{
    if (end->exited)
        return 0;
    switch (end->vector) {
    case VECTOR_DE:
    case VECTOR_MF:
    case VECTOR_XM:
        return SIGFPE;
    case VECTOR_DB:
    case VECTOR_BP:
        return SIGTRAP;
    case VECTOR_UD:
        return SIGILL;
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_AC:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}
