// Lab 06: interrupts that no device asks for.
#pragma once

#include <arch/types.h>

// Runs the stub at `address` with a frame as the CPU would push it, and returns when the handler has
// returned. Call with interrupts off.
void stub_run(u64 address);

extern const char stub_back[]; // rip in that frame

// INT n on VECTOR_SPURIOUS and on the vectors of the PICs' lines 7 and 15: the handler runs, and no
// controller has anything in service for it.
void int_spurious(void);
void int_pic_7(void);
void int_pic_15(void);
