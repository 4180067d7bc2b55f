// What a program wants done about signals: recorded, and told when it asks, until lab 12 delivers them.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/signals.h>

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

long sys_rt_sigaction(int signal, u64 new, u64 old, size_t size)
{
    struct signal_action *action, to_be;

    if (size != sizeof(to_be.mask) || signal < 1 || signal > SIGNALS ||
        (new &&SIGNALS_ALWAYS >> (signal - 1) & 1))
        return -EINVAL;
    action = &current_process()->actions[signal - 1];
    if (new &&copy_from_user(&to_be, new, sizeof(to_be)))
        return -EFAULT;
    if (old && copy_to_user(old, action, sizeof(*action)))
        return -EFAULT;
    if (new) {
        to_be.mask &= ~SIGNALS_ALWAYS;
        *action = to_be;
    }
    return 0;
}

static int masked(int how, u64 before, u64 set, u64 *mask)
{
    switch (how) {
    case SIG_BLOCK:
        *mask = before | set;
        break;
    case SIG_UNBLOCK:
        *mask = before & ~set;
        break;
    case SIG_SETMASK:
        *mask = set;
        break;
    default:
        return -EINVAL;
    }
    *mask &= ~SIGNALS_ALWAYS;
    return 0;
}

long sys_rt_sigprocmask(int how, u64 new, u64 old, size_t size)
{
    struct process *process = current_process();
    u64 set, mask = process->signal_mask;
    int error = 0;

    if (size != sizeof(mask))
        return -EINVAL;
    if (new &&user_get64(new, &set))
        return -EFAULT;
    if (new)
        error = masked(how, process->signal_mask, set, &mask);
    if (!error && old)
        error = user_put64(old, process->signal_mask);
    if (!error)
        process->signal_mask = mask;
    return error;
}
