// Lab 10: something happens at one instruction of a path after the other.
#pragma once

#include <arch/types.h>

enum event {
    EVENT_NMI,
    EVENT_DB, // by a breakpoint
    EVENT_MC,
    // At to_user.iretq: as if that had been executed already.
    EVENT_NMI_IN_RING_3,
    EVENT_MC_IN_RING_3,
    EVENT_NO_STACK, // the stack for ways in from ring 3 is gone
    // Single steps begin; the second is for the way of an NMI, which keeps other NMIs blocked.
    EVENT_TRACE,
    EVENT_TRACE_NMI,
};

// A path: `run` leads from `start` on, to ring 3 or to what was interrupted, from `end` to `end_last`.
struct path {
    const char *name;
    u64 start, end, end_last;
    void (*run)(void);
    bool is_nmi; // it begins with the stub of NMIs
};

// The instructions of the path, each once, in `places`: those of the ways in and out alone, or the C code
// between, too. Returns how many; at most `most`. Reports if the path cannot be followed.
unsigned path_follow(const struct path *path, bool entry_code_only, u64 *places, unsigned most);

// Runs `run`; the first time that the CPU comes to `place`, the event happens, before the instruction.
// Returns whether it has come there.
bool strike_at(u64 place, enum event event, void (*run)(void));

// Writes to code. By the name of this function the grader knows that not only liars do.
void sweep_poke(u64 place, u8 byte);
