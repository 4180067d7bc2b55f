// Lab 03: running one exception with every register known before and read after.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>
#include <kernel/test_registers.h>

// One run of a trigger; triggers.asm has the same layout.
struct run {
    u64 in[GENERAL_REGISTERS], out[GENERAL_REGISTERS]; // before, after
    u64 in_rflags, out_rflags;
    u64 in_rsp, out_rsp;
    struct run *outer;
};

// One instruction that raises an exception.
struct trigger {
    const char *start; // where the run jumps to
    const char *rip;   // what the frame must say
    const char *next;  // where to go on
    u64 vector;
    u64 code;   // or NO_ERROR_CODE
    u64 rflags; // bits that the trigger itself sets
};

// Jumps to `trigger` with the registers and flags of *run, and returns when the trigger is over,
// with *run filled; or by trigger_escape from a handler, with nothing filled but in_rsp.
void trigger_run(struct run *run, const struct trigger *trigger);

// Leaves the handler, and all that it interrupted, for the caller of the innermost trigger_run.
noreturn void trigger_escape(void);

extern const struct trigger trigger_de, trigger_db, trigger_bp, trigger_of, trigger_ud, trigger_nm,
    trigger_np, trigger_ss, trigger_gp, trigger_pf_read, trigger_pf_write, trigger_mf, trigger_xm,
    trigger_by_hand;

// What trigger_by_hand jumps to with a frame of its own making, as if the CPU had pushed it: for
// exceptions that this ring cannot raise, and INT n would raise without their error code.
extern u64 by_hand_stub, by_hand_code, by_hand_has_code;

// A trap_handler that notes RSP and RFLAGS as they are in its first instruction, then goes on to
// probe_reached.
void trap_probe(struct pt_regs *regs, u64 error_code, unsigned vector);
extern u64 probe_rsp, probe_rflags;

// What the triggers of #NP and #SS load: its descriptor is to be a data segment that is not present.
extern const u64 absent_selector;
