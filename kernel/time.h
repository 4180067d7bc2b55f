// Time: since boot, and until something is to happen. No tick: the clock interrupts when a timer is
// due and not else.
#pragma once

#include <arch/types.h>

#define MICROSECOND 1000ul
#define MILLISECOND 1000000ul
#define SECOND      1000000000ul

// Nanoseconds since the kernel's clock was started.
u64 time_ns(void);

struct timer {
    u64 at; // ns since boot
    void (*expired)(struct timer *timer);
    struct timer *next;
};

#define TIME_NEVER (~0ul)

// The time that is `duration` from now; TIME_NEVER if that is beyond what can be told.
u64 time_after(u64 duration);

// Calls expired(timer) with interrupts off, once, when it is `at` or a little later; if the timer was
// to come already, only then. It must stay in memory until then, or until it is stopped. `expired`
// may start it again.
void timer_start(struct timer *timer, u64 at, void (*expired)(struct timer *timer));

// Whether it was still to come; it does not any more.
bool timer_stop(struct timer *timer);

// Sleeps so long, never shorter. Call with interrupts on.
void sleep_ns(u64 duration);
