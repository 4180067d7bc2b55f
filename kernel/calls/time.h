// What the calls that have to do with time share; those of i386, whose structures are narrower, use it too.
#pragma once

#include <arch/types.h>

enum clock_id {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
};

// Nanoseconds by that clock. 0, or -EINVAL.
int clock_time(int clock, u64 *time);

// Sleeps for `duration` ns, or, with the flag TIMER_ABSTIME, until that time. 0, or -EINVAL.
int clock_sleep(int clock, int flags, u64 duration);

// A timespec's two numbers in nanoseconds. 0, or -EINVAL.
int time_of(u64 seconds, u64 nanoseconds, u64 *time);
