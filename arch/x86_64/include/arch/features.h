// What this CPU has of the protections that not every CPU has. SDM vol. 2, CPUID, leaf 7.
#pragma once

#include <arch/types.h>

struct features {
    bool smep; // ring 0 executes no user page
    bool smap; // ring 0 touches no user page but on purpose
    bool umip; // ring 3 reads no GDTR, IDTR, LDTR, TR, MSW
    // What it has for programs, set when it is switched on: lab 10.
    bool fsgsbase; // they write the bases of FS and GS
    bool rdpid;    // and the CPU tells its number by RDPID
};

// Set at INIT_FAULTS, where they are also switched on in CR4. Assembly reads it, too (user_access.inc,
// paranoid_gs.asm).
extern struct features features;
