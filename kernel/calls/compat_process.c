// What 32-bit programs tell and ask about themselves, where addresses and numbers have 32 bits.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/compat.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/signals.h>

enum { ROBUST_LIST_SIZE = 12 };

#define INFINITE 0xffffffffu

struct compat_signal_action {
    u32 handler, flags, restorer;
    u64 mask;
} packed;
static_assert(sizeof(struct compat_signal_action) == 20,
              "struct sigaction of i386, for rt_sigaction");

long compat_rt_sigaction(int signal, u64 from, u64 to, size_t size)
{
    struct compat_signal_action to_be, was;
    struct signal_action *action;

    if (size != sizeof(to_be.mask) || signal < 1 || signal > SIGNALS ||
        (from && SIGNALS_ALWAYS >> (signal - 1) & 1))
        return -EINVAL;
    action = &current_process()->actions[signal - 1];
    if (from && copy_from_user(&to_be, from, sizeof(to_be)))
        return -EFAULT;
    was = (struct compat_signal_action){ (u32)action->handler, (u32)action->flags,
                                         (u32)action->restorer, action->mask };
    if (to && copy_to_user(to, &was, sizeof(was)))
        return -EFAULT;
    if (from)
        *action = (struct signal_action){ to_be.handler, to_be.flags, to_be.restorer,
                                          to_be.mask & ~SIGNALS_ALWAYS };
    return 0;
}

long compat_set_robust_list(u64 head, size_t size)
{
    if (size != ROBUST_LIST_SIZE)
        return -EINVAL;
    current_process()->robust_list = head;
    return 0;
}

static u32 limit32(u64 limit)
{
    return limit < INFINITE ? (u32)limit : INFINITE;
}

long compat_ugetrlimit(int resource, u64 to)
{
    u32 limit[2];

    if (resource < 0 || resource >= LIMITS)
        return -EINVAL;
    limit[0] = limit32(current_process()->limits[resource].now);
    limit[1] = limit32(current_process()->limits[resource].most);
    return copy_to_user(to, limit, sizeof(limit)) ? -EFAULT : 0;
}
