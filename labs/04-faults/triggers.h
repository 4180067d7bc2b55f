// Lab 04: instructions that touch memory.
#pragma once

#include <arch/types.h>

// Each touches `address` once, with an instruction that is not in the exception table. A handler may
// send them to touch_over: then they return without.
u8 touch_read(u64 address);
void touch_write(u64 address, u8 value);
void touch_fetch(u64 address); // jumps there; a RET is to be there
extern const char touch_over[], touch_ret[];

// An int3 inside the window for user access; RFLAGS before it and behind it.
void touch_in_window(u64 rflags[2]);

// A function with two reads: the first is in the exception table, the second is not. Returns the first
// value, or -1 if that faulted.
u64 touch_both(const u64 *may_fault, const u64 *may_not);

// Two rows that stand in the table in the wrong order as they are linked.
extern const char touch_first[], touch_second[];
