// Lab 10: what may strike anywhere.

#include <arch/interrupts.h>
#include <arch/local_apic.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#define USER_GS 0x00007654321f0000ul

static struct seen {
    unsigned count;
    u64 gs;
} seen;

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    seen.count++;
    seen.gs = msr_read(MSR_GS_BASE);
    regs->rflags &= ~RFLAGS_TF;
}

static void expect(const char *what)
{
    report_count(seen.count, 1, "%s: how often", what);
    report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler", what);
    report_equal(msr_read(MSR_GS_BASE), (u64)&percpu0, "%s: GS base afterwards", what);
    report_equal(msr_read(MSR_KERNEL_GS_BASE), USER_GS, "%s: the other GS base afterwards", what);
    seen = (struct seen){ 0 };
}

TEST(user_gs)
{
    trap_handler *debug = trap_set_handler(VECTOR_DB, see);
    trap_handler *nmi = trap_set_handler(VECTOR_NMI, see);
    bool enabled = interrupts_save();
    volatile u32 *command = local_apic_register(APIC_COMMAND_LOW);

    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
    msr_write(MSR_KERNEL_GS_BASE, USER_GS);
    asm volatile("swapgs\n\tpushfq\n\tor dword ptr [rsp], 0x100\n\tpopfq\n\tnop\n\tnop\n\tswapgs" ::
                     : "memory", "cc");
    expect("#DB, GS the user's");
    asm volatile("pushfq\n\tor dword ptr [rsp], 0x100\n\tpopfq\n\tnop\n\tnop" ::: "memory", "cc");
    expect("#DB, GS the kernel's");
    asm volatile("swapgs\n\tmov [%0], %1\n\t.rept 16\n\tnop\n\t.endr\n\tswapgs" ::"r"(command),
                 "r"(COMMAND_NMI | COMMAND_ASSERT)
                 : "memory");
    expect("NMI, GS the user's");
    asm volatile("mov [%0], %1\n\t.rept 16\n\tnop\n\t.endr" ::"r"(command),
                 "r"(COMMAND_NMI | COMMAND_ASSERT)
                 : "memory");
    expect("NMI, GS the kernel's");
    msr_write(MSR_KERNEL_GS_BASE, 0);
    interrupts_restore(enabled);
    trap_set_handler(VECTOR_NMI, nmi);
    trap_set_handler(VECTOR_DB, debug);
}

static unsigned depth, deepest, nmis;
static struct pt_regs first, second;

static void nothing(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
}

static void two_more(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    if (++depth > deepest)
        deepest = depth;
    if (++nmis == 1) {
        first = *regs;
        asm volatile("int3");
        nmi_self();
        nmi_self();
    } else {
        second = *regs;
    }
    depth--;
}

TEST(nested)
{
    trap_handler *nmi = trap_set_handler(VECTOR_NMI, two_more);
    trap_handler *breakpoint = trap_set_handler(VECTOR_BP, nothing);

    nmi_self();
    trap_set_handler(VECTOR_BP, breakpoint);
    trap_set_handler(VECTOR_NMI, nmi);
    report_count(nmis, 2, "NMIs");
    report_count(deepest, 1, "how many at once");
    report_equal(second.rip, first.rip, "rip of the second");
    report_equal(second.rsp, first.rsp, "rsp of the second");
}
