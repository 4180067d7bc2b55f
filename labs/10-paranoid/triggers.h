// Lab 10: code that is struck, and the means to strike it at a chosen instruction.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>
#include <kernel/test_registers.h>

// ---- kernel code with registers and GS bases of the test's choice ---------------------------------

// One run; triggers.asm has the same layout.
struct strike {
    u64 in[GENERAL_REGISTERS], out[GENERAL_REGISTERS]; // before, after
    u64 in_rflags, out_rflags;
    u64 in_gs, in_other_gs, out_gs, out_other_gs; // IA32_GS_BASE and IA32_KERNEL_GS_BASE
    u64 in_rsp, out_rsp;                          // in_rsp: filled in
};

// Jumps to `code` with the registers, flags and GS bases of *strike, and fills in what they are when it
// is through. GS is the kernel's again then, and the other base 0. With interrupts off.
void strike_run(struct strike *strike, const char *code);

// What may run: nothing (for TF); a store of ECX to the register of the local APIC at RAX, with time for
// what comes of it; #BP; INT 18; a knock on the injector; a #UD without a stack; gs_take alone, with
// gs_give_back, and with a function call between the two.
extern const char strike_nothing[], strike_store[], strike_breakpoint[], strike_int18[],
    strike_knock[], strike_no_stack[], strike_take[], strike_take_and_give_back[],
    strike_take_call_give_back[];
extern const char strike_breakpoint_behind[], strike_store_end[]; // what comes afterwards
extern u64 knocked;                                               // whether somebody was there
extern u64 taken_gs;                                              // IA32_GS_BASE between the two

// Overwrites what a function need not preserve.
void spoil(void);

// One single step.
void step_once(void);

// ---- every instruction of a path ------------------------------------------------------------------

// A way in for #DB. Notes rip in `trace` and goes on by one instruction, until that is in ring 3 or from
// trace_end to trace_end_last. Touches nothing that a path under test uses.
extern const char entry_trace[];
enum { MOST_TRACED = 1024 };
extern u64 trace[MOST_TRACED], trace_count, trace_end, trace_end_last;

// ---- one chosen instruction -----------------------------------------------------------------------

// Where the CPU is, and all that it holds; from here it goes on.
struct mark_frame {
    u64 registers[GENERAL_REGISTERS];
    u64 rip, cs, rflags, rsp, ss;
};

// A way in for #UD, on a stack of its own. mark_hit says how it goes on.
extern const char entry_mark[];
enum mark_way {
    MARK_IRETQ,
    MARK_WITHOUT_IRETQ, // so that NMIs stay blocked if they are
    MARK_AS_MC,         // as if the CPU had raised #MC, from which IRETQ would lead to where it is
};
enum mark_way mark_hit(struct mark_frame *frame);
extern u64 mark_mc_stack, mark_mc_entry; // for MARK_AS_MC: top of the stack, and the stub

// A way in for NMI. It is given up for the IRETQ of entry_mark's, after mark_armed(): what NMI that has
// sent, strikes where that IRETQ goes.
extern const char entry_arm[];
void mark_armed(void);
