// Time as 32-bit programs see it: in words of 32 bits, unless the call says time64, which is that of 64-bit code.

#include <arch/user.h>
#include <kernel/calls/compat.h>
#include <kernel/calls/time.h>
#include <kernel/errno.h>
#include <kernel/time.h>

struct compat_timespec {
    int seconds, nanoseconds;
};

static u64 now(int clock)
{
    u64 time = 0;

    clock_time(clock, &time);
    return time;
}

static long put_time(u64 to, u64 time)
{
    const struct compat_timespec timespec = { (int)(time / SECOND), (int)(time % SECOND) };

    return copy_to_user(to, &timespec, sizeof(timespec)) ? -EFAULT : 0;
}

long compat_time(u64 to)
{
    u32 seconds = (u32)(now(CLOCK_REALTIME) / SECOND);

    return to && user_put32(to, seconds) ? -EFAULT : (long)seconds;
}

long compat_gettimeofday(u64 to, u64 zone)
{
    u64 time = now(CLOCK_REALTIME);
    const u32 timeval[] = { (u32)(time / SECOND), (u32)(time % SECOND / MICROSECOND) };

    if (to && copy_to_user(to, timeval, sizeof(timeval)))
        return -EFAULT;
    return zone ? user_put64(zone, 0) : 0;
}

long compat_clock_gettime(int clock, u64 to)
{
    u64 time;
    int error = clock_time(clock, &time);

    return error ? error : put_time(to, time);
}

long compat_clock_getres(int clock, u64 to)
{
    u64 time;
    int error = clock_time(clock, &time);

    return error || !to ? error : put_time(to, 1);
}

long compat_clock_nanosleep(int clock, int flags, u64 request, u64 left)
{
    struct compat_timespec timespec;
    u64 duration;
    int error;

    (void)left; // it sleeps to the end
    if (copy_from_user(&timespec, request, sizeof(timespec)))
        return -EFAULT;
    error = time_of((u64)timespec.seconds, (u64)timespec.nanoseconds, &duration);
    return error ? error : clock_sleep(clock, flags, duration);
}

long compat_nanosleep(u64 request, u64 left)
{
    return compat_clock_nanosleep(CLOCK_MONOTONIC, 0, request, left);
}
