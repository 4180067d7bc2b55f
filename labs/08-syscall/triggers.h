// Lab 08: who leaves by IRETQ.
#pragma once

#include <arch/types.h>

// In place of #DB's stub, for a breakpoint on an instruction of the kernel's, wherever GS and the stack are:
// counts them. What strikes in ring 3 goes on to the stub at count_debug_else.
extern const char count_debug[];
extern u64 count_debug_hits, count_debug_else;
