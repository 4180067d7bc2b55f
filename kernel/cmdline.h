// The command line: `key=value` words with spaces between. All that follows `run=` is its value.
#pragma once

#include <arch/types.h>

#define NONCE_DIGITS 16

struct cmdline {
    const char *lab;   // two digits, or "" where none is given
    const char *tests; // names with commas between, or "all"
    const char *nonce; // NONCE_DIGITS hexadecimal digits; this run's, to know its results by
    u64 seed;          // of every random value in the tests
    bool trace;        // trace=on: print every system call
    bool fsgsbase;     // programs may write their FS and GS bases, where the CPU can do that
    char *run;         // programs to be run with their arguments (kernel/command.h), or NULL
    u64 count;         // of programs that are thrown at the kernel (kernel/hostile)
};

extern struct cmdline cmdline;

// Splits `text` in place and fills `cmdline`. An unknown key or a bad value is a panic that says
// which keys there are.
void cmdline_parse(char *text);
