// The 8254 timer of the first PCs: slow and always at the same rate, so the others are measured by it.
// Intel 8254 data sheet.
#pragma once

#include <arch/types.h>

#define PIT_HZ   1193182u
#define PIT_MOST 0xffffu

// Channel 0 is wired to the ISA line 0; channel 2 only runs while it is let to, and can be read.
enum pit_channel { PIT_INTERRUPTS = 0, PIT_MEASURES = 2 };

// Lets the channel count down from `count`, once. At 0 channel 0 raises its line.
void pit_count_down(enum pit_channel channel, u16 count);

// What is left of the count; it goes on below 0.
u16 pit_left(enum pit_channel channel);

// Whether channel 2 has reached 0.
bool pit_measured(void);
