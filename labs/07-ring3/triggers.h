// Lab 07: programs, and a way in that needs nothing of the lab's.
#pragma once

#include <arch/regs.h>
#include <kernel/flat.h>

// Programs, named for what they do; programs.asm.
extern const struct flat program_breakpoints, program_counts, program_bases, program_steps,
    program_flags, program_de, program_bp, program_of, program_ud, program_syscall, program_br,
    program_into, program_np, program_ss, program_gp, program_selector, program_far, program_retf,
    program_mf, program_xm, program_ac, program_hlt, program_cli, program_sti, program_clts,
    program_invd, program_wbinvd, program_read_cr0, program_read_cr2, program_read_cr3,
    program_read_cr4, program_read_cr8, program_write_cr0, program_write_cr3, program_write_cr4,
    program_write_cr8, program_read_dr0, program_read_dr6, program_read_dr7, program_write_dr0,
    program_write_dr7, program_rdmsr, program_wrmsr, program_lgdt, program_lidt, program_lldt,
    program_ltr, program_lmsw, program_invlpg, program_swapgs, program_sysret, program_xsetbv,
    program_sgdt, program_sidt, program_sldt, program_str, program_smsw, program_in8, program_in16,
    program_in32, program_out8, program_out16, program_out32, program_ins, program_outs,
    program_iopl, program_if, program_read, program_write, program_jump, program_deep, program_sum,
    program_fpu_load, program_fpu_store, program_untidy, program_tidy;

// In place of a stub: notes everything in `watched` and leaves for the caller of task_enter, whose rsp is in
// watched_caller.
void watch(void);
extern struct pt_regs watched;
extern u64 watched_caller, watched_rsp, watched_gs, watched_other_gs;
