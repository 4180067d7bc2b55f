// What strikes: handlers of NMI, #DB and #MC, which look at how they were come to.

#include <arch/cpu.h>
#include <arch/debug_registers.h>
#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/string.h>
#include <kernel/sweep/sweep.h>
#include <kernel/task.h>
#include <kernel/traps.h>

#define MUST_BE_OFF (RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_NT | RFLAGS_AC)

#define UPPER_HALF 0xffffffff00000000ul // of the kernel's addresses

enum {
    BANK = 5, // where the outside puts the error
    LONGEST_STUB = 16,
};

static u64 debug_stub;

static struct {
    unsigned nmis, debugs, machine_checks, inner;
    u64 nmi_rip, debug_rip, check_rip;
    unsigned executions; // of the instruction at the breakpoint, that it has still to strike at
} seen;

// Nothing here may use GS: it is among what is looked at.
static void look(const struct pt_regs *regs, enum ist ist, const char *name)
{
    u64 gs = msr_read(MSR_GS_BASE), flags = read_rflags();

    if (gs != (u64)&percpu0)
        sweep_wrong(WRONG_HANDLER_GS,
                    "the handler of %s has GS base 0x%lx, which is not the kernel's", name, gs);
    if (regs->cs & RPL_MASK) {
        if (regs != task_regs(sweep_task))
            sweep_wrong(WRONG_HANDLER_STACK,
                        "%s from ring 3: its frame is at %p, not at the top of the task's stack",
                        name, (const void *)regs);
    } else if (stack_at((u64)regs) != &ist_stacks[ist - 1]) {
        sweep_wrong(WRONG_HANDLER_STACK, "%s from ring 0: its frame is at %p, not on the %s", name,
                    (const void *)regs, ist_stacks[ist - 1].name);
    }
    if (flags & MUST_BE_OFF)
        sweep_wrong(WRONG_HANDLER_FLAGS, "the handler of %s has flags 0x%lx", name, flags);
}

static bool in_debug_stub(const struct pt_regs *regs)
{
    return regs->rip - debug_stub < LONGEST_STUB;
}

// The handlers of NMIs take an exception; its IRETQ lets the next NMI come. An NMI that strikes before the door
// of #DB has cleared DR7 does it, as Linux's handlers of NMIs do; any other leaves DR7, for its own way is swept.
static void on_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    seen.nmis++;
    seen.nmi_rip = regs->rip;
    if (in_debug_stub(regs))
        sweep_clear_debug();
    look(regs, IST_NMI, "NMI");
    asm volatile("int3" ::: "memory");
    seen.inner++;
}

static void arm(void)
{
    if (seen.executions)
        breakpoint_set(UPPER_HALF | sweep_order.breakpoint);
}

// The first thing is what Linux does first: no breakpoint strikes the handler itself.
static void on_debug(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 why = read_dr6();

    (void)error_code;
    (void)vector;
    sweep_clear_debug();
    write_dr6(DR6_NOTHING);
    look(regs, IST_DB, "#DB");
    if (why & DR6_STEP)
        regs->rflags &= ~RFLAGS_TF; // the door's own
    else if (--seen.executions) {
        arm();
        return;
    }
    seen.debugs++;
    seen.debug_rip = regs->rip;
}

static void on_machine_check(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    seen.machine_checks++;
    seen.check_rip = regs->rip;
    look(regs, IST_MC, "#MC");
    msr_write(MSR_MC0_CTL + 4 * BANK + 1, 0);
    machine_check_over(regs);
}

void events_prepare(void)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == VECTOR_DB)
            debug_stub = stub->address;
    trap_set_handler(VECTOR_NMI, on_nmi);
    trap_set_handler(VECTOR_DB, on_debug);
    trap_set_handler(VECTOR_MC, on_machine_check);
}

void events_begin(void)
{
    memset(&seen, 0, sizeof(seen));
    write_dr6(DR6_NOTHING);
    seen.executions = sweep_order.breakpoint ? sweep_order.nth : 0;
    arm();
}

void events_end(void)
{
    sweep_clear_debug();
    sweep_verdict.nmis = (u8)seen.nmis;
    sweep_verdict.debugs = (u8)seen.debugs;
    sweep_verdict.machine_checks = (u8)seen.machine_checks;
    sweep_verdict.inner = (u8)seen.inner;
    sweep_verdict.nmi_rip = (u32)seen.nmi_rip;
    sweep_verdict.debug_rip = (u32)seen.debug_rip;
    sweep_verdict.check_rip = (u32)seen.check_rip;
    seen.nmis = 0;
    nmi_self();
    if (seen.nmis != 1)
        sweep_wrong(WRONG_NMI_LEFT, "an NMI after the door is handled %u times", seen.nmis);
}
