// What the paranoid doors can be told: how they find the per-CPU block, and whether the #DB stack moves.
#pragma once

#include <arch/types.h>

enum gs_way {
    GS_BY_SIGN,  // programs cannot write their GS base; CR4.FSGSBASE is off
    GS_BY_RDPID, // they can; the CPU's number comes from RDPID,
    GS_BY_LSL,   // or from the limit of the segment CPU_NUMBER
};

// From now on; at INIT_TASKS what the command line says. 0, or -EINVAL where the CPU cannot. gs_way.c
int gs_way_use(enum gs_way way);

// Gives this CPU its number, where RDPID and LSL find it. gs_way.c
void cpu_number_set(unsigned number);

// How far the stack of #DB moves down while one is handled; 0: not at all, which is enough, because the door
// clears DR7. Assembly reads it.
extern u64 debug_stack_shift;

// Makes room for three of them, one inside the other, or takes that back. 0 or -ENOMEM. debug_stack.c
int debug_stack_nest(bool nest);
