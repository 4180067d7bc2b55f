// The table of i386's system calls.

#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/syscall32.h>

enum { EXIT = 1, GETPID = 20, GETPPID = 64 };

long syscall32_make(const struct syscall32 *call)
{
    struct process *process = current_process();

    switch (call->number) {
    case EXIT:
        process_exit((int)call->arguments[0]);
    case GETPID:
        return process->id;
    case GETPPID:
        return process->parent;
    default:
        return -ENOSYS;
    }
}
