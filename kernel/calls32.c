// The table of i386's system calls.

#include <kernel/calls32.h>
#include <kernel/errno.h>
#include <kernel/process.h>

enum { EXIT = 1, GETPID = 20, GETPPID = 64 };

long calls32_make(u32 number, const u64 arguments[CALLS32_ARGUMENTS])
{
    struct process *process = current_process();

    if (!process)
        return -ENOSYS;
    switch (number) {
    case EXIT:
        process_exit((int)arguments[0]);
    case GETPID:
        return process->id;
    case GETPPID:
        return process->parent;
    default:
        return -ENOSYS;
    }
}
