// Timers, in the order in which they are due.

#include <arch/clock.h>
#include <arch/interrupts.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <kernel/wait.h>

static struct timer *first;

u64 time_ns(void)
{
    return clock_ns();
}

u64 time_after(u64 duration)
{
    u64 now = time_ns();

    return duration < TIME_NEVER - now ? now + duration : TIME_NEVER;
}

static void arm(void)
{
    if (first)
        clock_interrupt_at(first->at);
    else
        clock_interrupt_never();
}

// The pointer to the first timer that is due later, or NULL's place.
static struct timer **place_for(u64 at)
{
    struct timer **link = &first;

    while (*link && (*link)->at <= at)
        link = &(*link)->next;
    return link;
}

void timer_start(struct timer *timer, u64 at, void (*expired)(struct timer *timer))
{
    bool enabled = interrupts_save();
    struct timer **link;

    timer_stop(timer);
    link = place_for(at);
    *timer = (struct timer){ .at = at, .expired = expired, .next = *link };
    *link = timer;
    if (first == timer)
        arm();
    interrupts_restore(enabled);
}

bool timer_stop(struct timer *timer)
{
    bool enabled = interrupts_save();
    struct timer **link = &first;
    bool found;

    while (*link && *link != timer)
        link = &(*link)->next;
    found = *link;
    if (found) {
        *link = timer->next;
        if (link == &first)
            arm();
    }
    interrupts_restore(enabled);
    return found;
}

// What is due when it begins: a timer that is started again meanwhile is the next interrupt's.
static bool time_interrupt(struct pt_regs *regs, void *context)
{
    u64 now = time_ns();

    (void)regs;
    (void)context;
    while (first && first->at <= now) {
        struct timer *timer = first;

        first = timer->next;
        timer->expired(timer);
    }
    if (first)
        arm();
    return true;
}

struct sleeper {
    struct timer timer; // first, so that the timer is the sleeper
    volatile bool woken;
};

static void wake(struct timer *timer)
{
    ((struct sleeper *)timer)->woken = true;
}

void sleep_ns(u64 duration)
{
    struct sleeper sleeper = { .woken = false };

    timer_start(&sleeper.timer, time_after(duration), wake);
    wait_until(&sleeper.woken);
}

static void time_initialise(void)
{
    clock_calibrate();
    if (irq_request(VECTOR_TIMER, "timer", time_interrupt, NULL) != 0)
        panic("somebody has the timer's vector");
}
INIT(INIT_TIME, time_initialise);
