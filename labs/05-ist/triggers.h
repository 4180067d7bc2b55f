// Lab 05: code that runs with any RSP, overflows its stack, or watches every instruction of a path.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>
#include <kernel/test_registers.h>

// One run of a trigger; triggers.asm has the same layout.
struct run {
    u64 in[GENERAL_REGISTERS], out[GENERAL_REGISTERS]; // before, after
    u64 in_rflags, out_rflags;
    u64 in_rsp, out_rsp; // in_rsp 0: the RSP that is there, entered here
    u64 own_rsp;
    struct run *outer;
};

struct trigger {
    const char *start; // where the run jumps to
    const char *next;  // where to go on
};

// Jumps to `trigger` with the registers, flags and RSP of *run, and returns when the trigger is over,
// with *run filled; or by trigger_escape from a handler, with nothing filled.
void trigger_run(struct run *run, const struct trigger *trigger);

// Leaves the handler, and all that it interrupted, for the caller of the innermost trigger_run.
noreturn void trigger_escape(void);

// UD2; a store of ECX to the 32-bit register at RAX, with time for what it brings about; nothing.
extern const struct trigger trigger_ud, trigger_store, trigger_nothing;

// Where a run with TF in its flags is interrupted: at its jump, RSP being that of the run already.
extern const char trigger_stepped[];

// One single step, with a frame pointer.
void step_once(void);

// Call themselves for ever, with small frames and with frames of half a KiB.
noreturn void overflow(void);
noreturn void overflow_by_far(void);

// Ways in for #DB of the test's own, which touch nothing that a path under test uses. Tracing notes
// RIP in `trace` and sets TF, until RIP is trace_end; the other only ends the breakpoint.
extern const char entry_trace[], entry_stop[];
enum { MOST_TRACED = 512 };
extern u64 trace[MOST_TRACED], trace_count, trace_end;

// A handler of NMIs. The first one copies its own frame, ends the blocking of NMIs by an exception's
// IRETQ, sends another NMI to the stack that it is on, copies what is its own frame then, and leaves
// by trigger_escape. It writes `twice_command` to `*twice_register` to send it.
void nmi_twice(struct pt_regs *regs, u64 error_code, unsigned vector);
extern volatile u32 *twice_register;
extern u32 twice_command;
extern struct pt_regs twice_before, twice_after, *twice_first, *twice_second;
