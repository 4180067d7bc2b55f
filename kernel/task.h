// A task: what runs a program, and what the kernel has of it while it does not.
#pragma once

#include <arch/regs.h>
#include <arch/stack.h>
#include <arch/task.h>
#include <arch/types.h>

// How a program came to its end.
struct task_end {
    bool ended;
    bool exited; // it chose to: then `status`, 0 to 255, is what it said. Otherwise:
    int status;
    unsigned vector; // of the exception that it raised,
    u64 error_code;  // with NO_ERROR_CODE where there is none
    u64 address;     // of a #PF
    int error;       // the same
    struct pt_regs regs;
};

struct process;

struct task {
    const char *name;
    struct stack kernel_stack; // the program's registers lie at its top while it does not run
    struct address_space *space;
    struct user_state user;
    struct process *process; // kernel/process.h; NULL for a program that makes no system calls
    struct task_end end;
    u64 caller; // rsp of whoever runs it
    struct task *next;
};

// The registers of its program.
static inline struct pt_regs *task_regs(const struct task *task)
{
    return (struct pt_regs *)task->kernel_stack.top - 1;
}

// A task with an address space and a kernel stack of its own, without a program yet. NULL when memory is
// out. `name` must outlive it.
struct task *task_new(const char *name);

// Gives it back with its address space. It must not run.
void task_free(struct task *task);

// Makes the CPU the task's, all but the general registers; and takes it away again, with the state that
// the program has left. With interrupts off.
void task_load(struct task *task);
void task_unload(struct task *task);

// ---- who runs, and how long: lab 11 --------------------------------------------------------------

// Runs the task's program until it ends or task_stop() is called. It can be run again if it has not ended.
void task_run(struct task *task);

// On the kernel stack of the task that runs: it runs no more for now. task_run returns.
noreturn void task_stop(void);

// What is to be done before a program goes on with `regs`. user.asm calls it on every way to ring 3.
void exit_to_user(struct pt_regs *regs);
