// The clock of this CPU: what time it is, and one interrupt when it will be another.
#pragma once

#include <arch/types.h>

// Nanoseconds since clock_calibrate; never goes back.
u64 clock_ns(void);

// Brings VECTOR_TIMER once, not before clock_ns() has reached `ns`, in place of what was asked for
// before. At least one interrupt, for a time far away perhaps more.
void clock_interrupt_at(u64 ns);

// Takes that back; an interrupt that is on its way still comes.
void clock_interrupt_never(void);

// Measures the CPU's counters; takes 10 ms.
void clock_calibrate(void);

// Seconds since 1970 by the battery's clock, which counts as UTC. Takes up to a second. rtc.c
u64 clock_date(void);
