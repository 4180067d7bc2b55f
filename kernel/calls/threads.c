// What libraries tell the kernel about a thread when it begins. There is one, so most of it is kept and no more.

#include <kernel/calls/calls.h>
#include <kernel/errno.h>
#include <kernel/process.h>

enum { ROBUST_LIST_SIZE = 24 };

long sys_set_tid_address(u64 clear_tid)
{
    struct process *process = current_process();

    process->clear_tid = clear_tid;
    return process->id;
}

long sys_set_robust_list(u64 head, size_t size)
{
    if (size != ROBUST_LIST_SIZE)
        return -EINVAL;
    current_process()->robust_list = head;
    return 0;
}

// Restartable sequences are for who knows on which CPU it runs. Libraries do without.
long sys_rseq(u64 area, u32 size, int flags, u32 signature)
{
    (void)area;
    (void)size;
    (void)flags;
    (void)signature;
    return -ENOSYS;
}

// Nobody else wants the CPU.
long sys_sched_yield(void)
{
    return 0;
}
