// The kernel's own tests: an NMI to itself.

#include <arch/local_apic.h>
#include <kernel/test.h>
#include <kernel/traps.h>

static unsigned count;
static bool again;

static void count_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    count++;
    if (again) {
        again = false;
        nmi_self(); // held back, and one of the two is forgotten
        nmi_self();
        report_count(count, 1, "NMIs while the first one is handled");
    }
}

TEST(nmi_self)
{
    trap_handler *before = trap_set_handler(VECTOR_NMI, count_nmi);

    nmi_self();
    report_count(count, 1, "NMIs when the function returns");
    count = 0;
    again = true;
    nmi_self();
    report_count(count, 2, "NMIs, the one that was held back among them");
    trap_set_handler(VECTOR_NMI, before);
}
