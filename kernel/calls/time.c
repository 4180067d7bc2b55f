// What time it is, and waiting.

#include <arch/clock.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/time.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/time.h>

enum { TIMER_ABSTIME = 1 };

struct timespec {
    u64 seconds, nanoseconds; // signed for programs; none of ours is negative
};

struct timeval {
    u64 seconds, microseconds;
};

// The battery's clock is asked once; from then on time passes as it does for everybody else.
static u64 date_ns(void)
{
    static u64 at_boot;

    if (!at_boot)
        at_boot = clock_date() * SECOND - time_ns();
    return at_boot + time_ns();
}

int clock_time(int clock, u64 *time)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *time = date_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *time = time_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *time = time_ns() - current_process()->started; // nobody shares the CPU
        return 0;
    default:
        return -EINVAL;
    }
}

int clock_sleep(int clock, int flags, u64 duration)
{
    u64 now;
    int error = clock_time(clock, &now);

    if (error || clock == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (flags & ~TIMER_ABSTIME)
        return -EINVAL;
    if (flags & TIMER_ABSTIME)
        duration = duration > now ? duration - now : 0;
    if (duration)
        sleep_ns(duration);
    return 0;
}

int time_of(u64 seconds, u64 nanoseconds, u64 *time)
{
    if ((long)seconds < 0 || nanoseconds >= SECOND)
        return -EINVAL;
    *time = seconds < TIME_NEVER / SECOND ? seconds * SECOND + nanoseconds : TIME_NEVER;
    return 0;
}

static int put_time(u64 address, u64 time)
{
    const struct timespec timespec = { time / SECOND, time % SECOND };

    return copy_to_user(address, &timespec, sizeof(timespec)) ? -EFAULT : 0;
}

long sys_clock_gettime(int clock, u64 to)
{
    u64 time;
    int error = clock_time(clock, &time);

    return error ? error : put_time(to, time);
}

long sys_clock_getres(int clock, u64 to)
{
    u64 time;
    int error = clock_time(clock, &time);

    return error || !to ? error : put_time(to, 1);
}

// With a time zone nobody has done anything for decades: it is Greenwich's.
long sys_gettimeofday(u64 to, u64 zone)
{
    u64 now = date_ns();
    const struct timeval timeval = { now / SECOND, now % SECOND / MICROSECOND };

    if (to && copy_to_user(to, &timeval, sizeof(timeval)))
        return -EFAULT;
    return zone ? user_put64(zone, 0) : 0;
}

long sys_time(u64 to)
{
    u64 seconds = date_ns() / SECOND;

    return to && user_put64(to, seconds) ? -EFAULT : (long)seconds;
}

// It sleeps to the end, for nobody sends signals yet: so nothing is ever left to be told of.
long sys_clock_nanosleep(int clock, int flags, u64 request, u64 left)
{
    struct timespec timespec;
    u64 duration;
    int error;

    (void)left;
    if (copy_from_user(&timespec, request, sizeof(timespec)))
        return -EFAULT;
    error = time_of(timespec.seconds, timespec.nanoseconds, &duration);
    return error ? error : clock_sleep(clock, flags, duration);
}

long sys_nanosleep(u64 request, u64 left)
{
    return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, left);
}
