// The kernel's own tests: what strikes between STI and HLT.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <kernel/memory.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/traps.h>

enum { STI = 0xfb, HLT = 0xf4 };

static const u8 *sti_hlt(void)
{
    const u8 *at = (const u8 *)idle_until;

    while (at[0] != STI || at[1] != HLT)
        at++;
    return at;
}

static void breakpoint_at_hlt(void)
{
    breakpoint_set((u64)(sti_hlt() + 1));
}

static volatile bool woken, rescued;
static u64 wake_at;

static void wake(struct timer *timer)
{
    (void)timer;
    woken = true;
}

static void rescue(struct timer *timer)
{
    (void)timer;
    woken = rescued = true;
}

static void sleep_with_breakpoint(void)
{
    struct timer waker, rescuer;

    woken = rescued = false;
    wake_at = time_after(MILLISECOND);
    timer_start(&waker, wake_at, wake);
    timer_start(&rescuer, wake_at + 20 * MILLISECOND, rescue);
    breakpoint_at_hlt();
    idle_until(&woken);
    timer_stop(&rescuer);
}

// When it leaves, what is to wake the sleeper is pending.
static void outlast_the_timer(void)
{
    breakpoint_clear();
    while (time_ns() < wake_at + 100 * MICROSECOND)
        continue;
}

static void breakpoint_reached(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    outlast_the_timer();
    halt_overtaken(regs);
}

TEST(breakpoint_before_halt)
{
    trap_set_handler(VECTOR_DB, breakpoint_reached);
    sleep_with_breakpoint();
    trap_set_handler(VECTOR_DB, NULL);
    report(!rescued, "the sleep ends in time");
}

// NMIs are blocked, for this is in the handler of one; the IRETQ of this #DB unblocks them and leads to
// HLT, and so there the next one strikes.
static void order_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    nmi_self();
    outlast_the_timer();
}

static void sleep_in_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct tss *tss = &this_cpu()->tss;
    u64 own = tss->ist[IST_NMI - 1];
    char *other = pages_allocate(1);

    (void)regs;
    (void)error_code;
    trap_set_handler(vector, NULL); // the next one is do_nmi's
    tss->ist[IST_NMI - 1] = (u64)other + PAGE_SIZE;
    interrupts_enable();
    sleep_with_breakpoint();
    interrupts_disable();
    tss->ist[IST_NMI - 1] = own;
    pages_free(other, 1);
}

TEST(nmi_before_halt)
{
    trap_set_handler(VECTOR_DB, order_nmi);
    trap_set_handler(VECTOR_NMI, sleep_in_nmi);
    nmi_self();
    trap_set_handler(VECTOR_DB, NULL);
    report(!rescued, "the sleep ends in time");
}

TEST(halt_overtaken)
{
    static const u8 elsewhere = HLT;
    u64 halt = (u64)(sti_hlt() + 1);
    struct pt_regs at_halt = { .rip = halt, .cs = KERNEL_CS, .rflags = RFLAGS_IF };
    struct pt_regs at_sti = at_halt, interrupts_off = at_halt, user = at_halt, data = at_halt;

    at_sti.rip--;
    interrupts_off.rflags = 0;
    user.cs = USER_CS;
    data.rip = (u64)&elsewhere;
    halt_overtaken(&at_halt);
    halt_overtaken(&at_sti);
    halt_overtaken(&interrupts_off);
    halt_overtaken(&user);
    halt_overtaken(&data);
    report_equal(at_halt.rip, halt + 1, "rip, at HLT");
    report_equal(at_sti.rip, halt - 1, "rip, at STI");
    report_equal(interrupts_off.rip, halt, "rip, at HLT with interrupts off");
    report_equal(user.rip, halt, "rip, in ring 3");
    report_equal(data.rip, &elsewhere, "rip, where no code is");
}
