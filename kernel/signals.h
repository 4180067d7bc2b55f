// Signals: Linux's numbers, because programs see them too.
#pragma once

#define SIGILL  4  // an instruction that it may not execute, or that is none
#define SIGTRAP 5  // a breakpoint, or a single step
#define SIGBUS  7  // memory that cannot be accessed like this
#define SIGFPE  8  // a division, or another calculation, without a result
#define SIGKILL 9  // its end, whatever it thinks of it
#define SIGSEGV 11 // memory that is not its own
#define SIGSTOP 19 // waiting, whatever it thinks of it

// Nobody holds these two back. Bit n - 1 is signal n.
#define SIGNALS_ALWAYS (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1))
