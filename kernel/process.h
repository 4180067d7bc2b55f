// What belongs to a program besides its memory and its registers: Linux's process. It has one thread.
#pragma once

#include <arch/percpu.h>
#include <kernel/task.h>

struct files; // kernel/file.h: its descriptors and its directory

#define PROCESS_PATH 256 // bytes of a path that is kept, with its NUL
#define SIGNALS      64  // they count from 1

// As rt_sigaction takes and gives it; recorded until lab 12 delivers signals.
struct signal_action {
    u64 handler, flags, restorer, mask;
};

// As prlimit64 takes and gives it.
struct limit {
    u64 now, most;
};
enum { LIMIT_STACK = 3, LIMIT_FILES = 7, LIMITS = 16 };
#define UNLIMITED (~0ul)

struct process {
    int id, parent; // the thread has the process's id
    struct files *files;
    char exe[PROCESS_PATH];     // absolute path of what runs; "" for a program without a file
    u64 addresses_end;          // none of its addresses is at or above this
    u64 brk_start, brk;         // what brk() has given: [brk_start, brk); 0 where it gives nothing
    u64 clear_tid, robust_list; // addresses that only matter once there are threads
    u64 started;                // time_ns()
    struct limit limits[LIMITS];
    u64 signal_mask; // bit n - 1 is signal n
    struct signal_action actions[SIGNALS];
};

// A task with a process, whose descriptors 0, 1 and 2 are the console; no program yet. NULL when memory is
// out. `name` must outlive it.
struct task *process_new(const char *name);

// Gives both back. It must not run.
void process_free(struct task *task);

// The process of the program that has made the system call.
static inline struct process *current_process(void)
{
    return this_cpu()->current->process;
}

// On the stack of the task that runs: its program has come to an end of its own choice, with this status
// (its low 8 bits are what a parent would see).
noreturn void process_exit(int status);

// The signal that ends, on Linux, a program which came to an end like this; 0 if it has exited.
int process_end_signal(const struct task_end *end);
