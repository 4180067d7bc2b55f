// What a program asks about the system, and about what it may use.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/string.h>

struct utsname {
    char system[65], node[65], release[65], version[65], machine[65], domain[65];
};

// The system calls are Linux's of about this release, and libraries refuse to run with older ones.
long sys_uname(u64 to)
{
    static const struct utsname name = {
        .system = "Linux",
        .node = "gatehouse",
        .release = "6.1.0-gatehouse",
        .version = "Gatehouse",
        .machine = "x86_64",
        .domain = "(none)",
    };

    return copy_to_user(to, &name, sizeof(name)) ? -EFAULT : 0;
}

enum { NON_BLOCKING = 1, BLOCKING = 2, INSECURE = 4 }; // none makes a difference

long sys_getrandom(u64 to, size_t size, u32 flags)
{
    u8 bytes[64];
    size_t done = 0;

    if (flags & ~(u32)(NON_BLOCKING | BLOCKING | INSECURE) ||
        (flags & (BLOCKING | INSECURE)) == (BLOCKING | INSECURE))
        return -EINVAL;
    while (done < size) {
        size_t part = size - done < sizeof(bytes) ? size - done : sizeof(bytes), left;

        random_fill(bytes, part);
        left = copy_to_user(to + done, bytes, part);
        done += part - left;
        if (left)
            return done ? (long)done : -EFAULT;
    }
    return (long)done;
}

// The limits are kept and told, but nobody is held to them: what there is to limit is limited for all alike.
long sys_prlimit64(int pid, int resource, u64 new, u64 old)
{
    struct process *process = current_process();
    struct limit to_be;

    if (pid && pid != process->id)
        return -ESRCH;
    if (resource < 0 || resource >= LIMITS)
        return -EINVAL;
    if (new &&copy_from_user(&to_be, new, sizeof(to_be)))
        return -EFAULT;
    if (new &&to_be.now > to_be.most)
        return -EINVAL;
    if (old && copy_to_user(old, &process->limits[resource], sizeof(to_be)))
        return -EFAULT;
    if (new)
        process->limits[resource] = to_be;
    return 0;
}
