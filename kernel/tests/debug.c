// The kernel's own tests: what #DB leaves behind.

#include <arch/cpu.h>
#include <arch/debug_registers.h>
#include <arch/layout.h>
#include <arch/safe.h>
#include <arch/segments.h>
#include <kernel/test.h>
#include <kernel/traps.h>

TEST(breakpoints_refused)
{
    report(!breakpoint_allowed((u64)entry_text_start),
           "a breakpoint at the first byte of entry code");
    report(!breakpoint_allowed((u64)entry_text_end - 1), "a breakpoint at the last byte of it");
    report(breakpoint_allowed((u64)entry_text_start - 1), "a breakpoint before it is allowed");
    report(!breakpoint_allowed((u64)trap), "a breakpoint at trap()");
    report(!breakpoint_allowed((u64)do_nmi), "a breakpoint at do_nmi()");
    report(!breakpoint_allowed((u64)do_machine_check), "a breakpoint at do_machine_check()");
    report(breakpoint_allowed((u64)read_safe), "a breakpoint at read_safe() is allowed");
}

static u64 flags_behind(u64 rip)
{
    struct pt_regs regs = { .cs = KERNEL_CS, .rip = rip, .rflags = RFLAGS_FIXED | RFLAGS_TF };

    write_dr6(DR6_NOTHING | DR6_STEP);
    do_debug(&regs, NO_ERROR_CODE, VECTOR_DB);
    return regs.rflags;
}

// A program's step goes on until its door has saved TF; one of nobody's ends.
TEST(steps_in_the_kernel)
{
    report_equal(flags_behind((u64)entry_text_start), RFLAGS_FIXED | RFLAGS_TF,
                 "flags behind a step in entry code");
    report_equal(flags_behind((u64)read_safe), RFLAGS_FIXED, "flags behind a step elsewhere");
    report_equal(read_dr6() & DR6_SAYS, 0, "what DR6 says afterwards");
}

static char nobody[8]; // executes this

TEST(breakpoints_held)
{
    u64 before, meanwhile;

    breakpoint_set((u64)nobody);
    before = breakpoints_hold();
    asm volatile("mov %0, dr7" : "=r"(meanwhile));
    breakpoints_release(before);
    asm volatile("mov %0, dr7" : "=r"(before));
    breakpoint_clear();
    report_equal(meanwhile & DR7_ENABLED, 0, "breakpoints that are on while they are held");
    report_equal(before & DR7_ENABLED, 1, "breakpoints that are on afterwards");
}
