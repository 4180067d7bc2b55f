// Rows: NMI, and what blocks it. SDM vol. 3, section 6.7; #MC: chapter 16.

#include <arch/cpu.h>
#include <arch/injector.h>
#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <kernel/emulators/platform.h>
#include <kernel/emulators/row.h>

#define PIT_PIN        2
#define MSR_MC5_STATUS (MSR_MC0_CTL + 4 * 5 + 1)

typedef u64 code(u64 a, u64 b);
code breakpoint, int_2, nmi_target;
extern const char breakpoint_behind[];

static void nmi_to_self(void)
{
    send_to_self(MODE_NMI);
    wait_without(0, 0);
}

static u64 one_nmi(u64 a, u64 b)
{
    (void)a;
    (void)b;
    nmi_to_self();
    return 0;
}

ROW(nmi_by_apic)
{
    platform_quiet();
    run(one_nmi, resume, 0, 0);
    platform_put_back();
    observed(events > 1 ? "%s, and more" : "%s", name_of(0));
}

static unsigned nested; // how many had come when the first handler left

static enum after two_more(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    (void)vector;
    if (events == 1) {
        nmi_to_self();
        nmi_to_self();
        nested = events - 1;
    }
    return RESUME;
}

ROW(nmi_latched_once)
{
    platform_quiet();
    run(one_nmi, two_more, 0, 0);
    platform_put_back();
    observed("%u more, %s", events - 1, nested ? "nested" : "after IRET");
}

static enum after one_more_at_int3(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    if (vector == VECTOR_NMI && events == 1) {
        nmi_to_self();
        nested = events - 1;
        breakpoint(0, 0);
        if (events > 2) // the second one came: the frame of this one may be gone
            return GIVE_UP;
    }
    return RESUME;
}

ROW(nmi_unblocked_by_nested_iret)
{
    platform_quiet();
    run(one_nmi, one_more_at_int3, 0, 0);
    platform_put_back();
    observed(nested                                                          ? "before it"
             : struck(2, breakpoint_behind) && event[2].vector == VECTOR_NMI ? "at the nested IRET"
                                                                             : "later");
}

// The frame of the first NMI is gone when the second one comes, and with it the way back.
static enum after give_up_nested(struct pt_regs *regs, unsigned vector)
{
    return vector == VECTOR_NMI && events > 1 ? GIVE_UP : one_more_at_int3(regs, vector);
}

ROW(nmi_same_ist)
{
    catch_gates[VECTOR_NMI].ist = ROW_IST;
    platform_quiet();
    run(one_nmi, give_up_nested, 0, 0);
    platform_put_back();
    observed(events < 3                         ? "no second NMI"
             : event[2].frame == event[0].frame ? "the same"
                                                : "another");
}

// RF, or it would strike again at once.
static enum after pass_breakpoint(struct pt_regs *regs, unsigned vector)
{
    if (vector == VECTOR_DB)
        regs->rflags |= RFLAGS_RF;
    return RESUME;
}

ROW(nmi_entry_breakpoint)
{
    platform_quiet();
    breakpoint_set(catch_entries[VECTOR_NMI]);
    run(one_nmi, pass_breakpoint, 0, 0);
    platform_put_back();
    observed("%s%s", name_of(0),
             if_struck(0, (const void *)catch_entries[VECTOR_NMI], " at the instruction"));
}

static enum after to_the_target(struct pt_regs *regs, unsigned vector)
{
    (void)vector;
    if (events > 1)
        return GIVE_UP;
    nmi_to_self();
    regs->rip = (u64)nmi_target;
    return RESUME;
}

ROW(nmi_lands_at_iret_target)
{
    platform_quiet();
    run(one_nmi, to_the_target, 0, 0);
    platform_put_back();
    observed(events < 2                            ? "never"
             : struck(1, (const void *)nmi_target) ? "before the target"
                                                   : "later");
}

static enum after one_more(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    (void)vector;
    if (events == 1) {
        nmi_to_self();
        nested = events - 1;
    }
    return RESUME;
}

ROW(int_2_does_not_block)
{
    platform_quiet();
    run(int_2, one_more, 0, 0);
    platform_put_back();
    observed(nested ? "in the handler" : events > 1 ? "after IRET" : "never");
}

static u64 nmi_by_shorthand(u64 a, u64 b)
{
    send_to_self(MODE_NMI | COMMAND_SELF);
    return wait_without(a, b);
}

ROW(nmi_self_shorthand)
{
    platform_quiet();
    run(nmi_by_shorthand, resume, 0, 0);
    local_apic_write(APIC_ERROR_STATUS, 0);
    platform_put_back();
    observed(events ? "delivered" : "ignored");
}

// Not before run(): an NMI would come while the kernel's own gates are in use.
static u64 one_tick(u64 a, u64 b)
{
    pit_start();
    return wait_without(a, b);
}

ROW(lint0_nmi)
{
    platform_quiet();
    pic_open();
    local_apic_write(APIC_LVT_LINT0, MODE_NMI);
    run(one_tick, resume, 0, 0);
    platform_put_back();
    observed("%s", name_of(0));
}

ROW(pit_nmi)
{
    platform_quiet();
    pin_to_self(PIT_PIN, MODE_NMI);
    run(one_tick, resume, 0, 0);
    platform_put_back();
    observed("%s", name_of(0));
}

static u64 bank5;

// MCIP must be clear before the next #MC, or that is a shutdown.
static enum after read_bank(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    if (vector == 18) {
        bank5 = msr_read(MSR_MC5_STATUS);
        msr_write(MSR_MC5_STATUS, 0);
        msr_write(MSR_MCG_STATUS, 0);
    }
    return RESUME;
}

static u64 knock(u64 a, u64 b)
{
    bool heard = injector_knock();

    wait_without(a, b);
    return heard;
}

// The injection is that of emulator_rows.py: a corrected error would raise none.
ROW(mc_injection)
{
    u64 cr4 = read_cr4(), heard;

    write_cr4(cr4 | CR4_MCE);
    heard = run(knock, read_bank, 0, 0);
    write_cr4(cr4);
    if (!heard)
        observed("no way to inject one");
    else
        observed("%s, bank 5 %s", name_of(0), bank5 & MC_STATUS_VALID ? "valid" : "not valid");
}
