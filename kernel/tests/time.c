// The kernel's own tests: timers and the clock.

#include <apic/pit.h>
#include <arch/clock.h>
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

static void count_expired(struct timer *timer)
{
    (void)timer;
    expired++;
}

TEST(timer_started_twice)
{
    struct timer *timer = &timers[0];

    expired = 0;
    timer_start(timer, time_after(MILLISECOND), count_expired);
    timer_start(timer, time_after(2 * MILLISECOND), count_expired);
    report(timer->next != timer, "it is not behind itself");
    timer->next = NULL;
    sleep_ns(3 * MILLISECOND);
    report_count(expired, 1, "times that it expired");
}

enum { RESTARTS = 8 };

static void start_again(struct timer *timer)
{
    if (++expired < RESTARTS)
        timer_start(timer, time_ns(), start_again);
}

TEST(timer_starts_itself)
{
    u64 interrupts = irqs[VECTOR_TIMER].count;

    expired = 0;
    timer_start(&timers[0], time_ns(), start_again);
    sleep_ns(MILLISECOND);
    report_count(expired, RESTARTS, "times that it expired");
    report_count(irqs[VECTOR_TIMER].count - interrupts, RESTARTS + 1,
                 "interrupts, one for each time and the sleep's");
}

TEST(time_never)
{
    u64 interrupts;

    report_equal(time_after(TIME_NEVER), TIME_NEVER, "TIME_NEVER from now");
    report_equal(time_after(TIME_NEVER - 1000), TIME_NEVER, "a little less");
    timer_start(&timers[0], TIME_NEVER, count_expired);
    interrupts = irqs[VECTOR_TIMER].count;
    for (u64 end = time_after(5 * MILLISECOND); time_ns() < end;)
        continue;
    report_count(irqs[VECTOR_TIMER].count - interrupts, 0, "interrupts for what never comes");
    report(timer_stop(&timers[0]), "it is still to come");
}

static bool take_long(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    for (u64 end = time_after(4 * MILLISECOND); time_ns() < end;)
        continue;
    return true;
}

// The PIT interrupts shortly before the 10 ms of the measurement are over.
TEST(calibration_interrupted)
{
    enum { PIT_LINE = 0, SHORTLY_BEFORE = PIT_HZ / 100 - PIT_HZ / 1000, SPAN = PIT_HZ / 50 };
    u64 start, by_clock, by_pit;
    u16 left;

    report_error(irq_request_line(PIT_LINE, "test", take_long, NULL), 0, "irq_request_line");
    pit_count_down(PIT_INTERRUPTS, SHORTLY_BEFORE);
    clock_calibrate();
    irq_release("test");
    report_count(irqs[VECTOR_LINES + PIT_LINE].count, 1, "interrupts");

    pit_count_down(PIT_MEASURES, PIT_MOST);
    left = pit_left(PIT_MEASURES);
    start = time_ns();
    while (left - pit_left(PIT_MEASURES) < SPAN)
        continue;
    by_clock = time_ns() - start;
    by_pit = (u64)(left - pit_left(PIT_MEASURES)) * SECOND / PIT_HZ;
    report(by_clock < by_pit + by_pit / 100 && by_clock > by_pit - by_pit / 100,
           "%lu ns by the PIT are as many by the clock: %lu", by_pit, by_clock);
}
