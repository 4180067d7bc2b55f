// The kernel's own tests: timers.

#include <arch/interrupts.h>
#include <kernel/irq.h>
#include <kernel/test.h>
#include <kernel/time.h>

static unsigned order[4], expired;

static void note_order(struct timer *timer);
static struct timer timers[4];

static void note_order(struct timer *timer)
{
    order[expired++] = (unsigned)(timer - timers);
}

TEST(timers)
{
    static const u64 delay[] = { 3, 1, 4, 2 };
    u64 now = time_ns(), interrupts = irqs[VECTOR_TIMER].count;

    expired = 0;
    for (unsigned i = 0; i < array_length(timers); i++)
        timer_start(&timers[i], now + delay[i] * MILLISECOND, note_order);
    report(timer_stop(&timers[2]), "stopping a timer that is still to come");
    report(!timer_stop(&timers[2]), "stopping it again");
    sleep_ns(5 * MILLISECOND);
    report_count(expired, 3, "timers that expired");
    report_count(order[0], 1, "the first");
    report_count(order[1], 3, "the second");
    report_count(order[2], 0, "the third");
    report_count(irqs[VECTOR_TIMER].count - interrupts, 4, "interrupts, the sleep's own too");
    report(!timer_stop(&timers[0]), "stopping a timer that has expired");
}
