// Time by the time-stamp counter, interrupts by the local APIC's timer; how fast both run is measured
// by the PIT. SDM vol. 3, sections 11.5.4 "APIC Timer" and 18.17 "Time-Stamp Counter".

#include <apic/apic.h>
#include <apic/pit.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/local_apic.h>
#include <kernel/panic.h>
#include <kernel/time.h>

enum {
    CALIBRATION = PIT_HZ / 100, // 10 ms
    DIVIDE_BY_1 = 0xb,          // figure 11-10
    COUNT_MOST = 0xffffffff,
    PRECISION = 1 << 12, // the measured rates are better than this
};
#define LONGEST_WAIT \
    (3600 * SECOND) // its count is beyond COUNT_MOST, and still a number of 64 bits
#define CALIBRATION_FAILS (1ul << 33) // of the time-stamp counter: more than a second

static u64 tsc_start;
static u64 tsc_to_ns, ns_to_count; // factors, 32 bits of them behind the point

static u64 scale(u64 value, u64 factor)
{
    return (u64)((unsigned __int128)value * factor >> 32);
}

u64 clock_ns(void)
{
    return scale(read_tsc() - tsc_start, tsc_to_ns);
}

// Late by up to a part of PRECISION, but never early.
void clock_interrupt_at(u64 ns)
{
    u64 now = clock_ns(), wait = ns > now ? ns - now : 0, count;

    if (wait > LONGEST_WAIT)
        wait = LONGEST_WAIT;
    count = scale(wait + wait / PRECISION, ns_to_count) + 1;
    local_apic_write(APIC_TIMER_INITIAL, count < COUNT_MOST ? (u32)count : COUNT_MOST);
}

void clock_interrupt_never(void)
{
    local_apic_write(APIC_TIMER_INITIAL, 0);
}

// With interrupts off: a handler between two readings would be measured too.
void clock_calibrate(void)
{
    bool enabled = interrupts_save();
    u64 tsc, tsc_hz, count, count_hz;

    local_apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    local_apic_write(APIC_LVT_TIMER, APIC_MASKED | VECTOR_TIMER); // one-shot
    local_apic_write(APIC_TIMER_INITIAL, COUNT_MOST);
    pit_count_down(PIT_MEASURES, CALIBRATION);
    tsc = read_tsc();
    count = local_apic_read(APIC_TIMER_CURRENT);
    while (!pit_measured())
        if (read_tsc() - tsc > CALIBRATION_FAILS)
            panic("the PIT, by which the clocks are measured, stands still");
    tsc_hz = (read_tsc() - tsc) * PIT_HZ / CALIBRATION;
    count_hz = (count - local_apic_read(APIC_TIMER_CURRENT)) * PIT_HZ / CALIBRATION;
    if (!tsc_hz || !count_hz)
        panic("the time-stamp counter or the local APIC's timer stands still");

    tsc_to_ns = (SECOND << 32) / tsc_hz;
    ns_to_count = (count_hz << 32) / SECOND;
    tsc_start = tsc;
    clock_interrupt_never();
    local_apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    interrupts_restore(enabled);
}
