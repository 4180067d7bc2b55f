// Who a program is.

#include <kernel/calls/calls.h>
#include <kernel/errno.h>
#include <kernel/process.h>

long sys_getpid(void)
{
    return current_process()->id;
}

long sys_gettid(void)
{
    return current_process()->id;
}

long sys_getppid(void)
{
    return current_process()->parent;
}

// There is one user.
long sys_getuid(void)
{
    return 0;
}

long sys_getgid(void)
{
    return 0;
}

long sys_geteuid(void)
{
    return 0;
}

long sys_getegid(void)
{
    return 0;
}

// It is in no further groups.
long sys_getgroups(int room, u64 to)
{
    (void)to;
    return room < 0 ? -EINVAL : 0;
}

long sys_exit(int status)
{
    process_exit(status);
}

long sys_exit_group(int status)
{
    process_exit(status);
}
