// The kernel's own tests: an NMI to itself.

#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/segments.h>
#include <kernel/string.h>
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

extern u64 *machine_check_frame; // nmi_arriving.c
extern const char nmi_left[] asm("entry_nmi.left");

// A copy and the marker behind it, and the #MC stack down to the lower place of a frame, as they are when an NMI
// arrives.
static struct {
    u64 copy[5], marker;
} first;
static u64 stack[MACHINE_CHECK_PLACE / sizeof(u64) + 5];

static bool settled(u64 *frame, u64 rip, u64 cs, u64 marker)
{
    u64 *before = machine_check_frame, *at = &first.marker;

    for (unsigned i = 0; i < array_length(first.copy); i++)
        first.copy[i] = test_pattern();
    first.marker = marker;
    memset(stack, 0, sizeof(stack));
    frame[0] = rip;
    frame[1] = cs;
    machine_check_frame = stack + MACHINE_CHECK_PLACE / sizeof(u64);
    asm volatile("call nmi_settle" : "+D"(at)::"memory", "cc");
    machine_check_frame = before;
    return !memcmp(frame, first.copy, sizeof(first.copy));
}

// The frame of an #MC is replaced where it leads to the end of an NMI, and nowhere else.
TEST(machine_check_settled)
{
    u64 left = (u64)nmi_left, *frame = stack + MACHINE_CHECK_PLACE / sizeof(u64);

    report(settled(frame, left, KERNEL_CS, 0), "one that leads there");
    report(settled(stack, left, KERNEL_CS, 0), "one at the lower place");
    report(!settled(frame, left, KERNEL_CS, 1), "with an NMI that is not at its end");
    report(!settled(frame, left + 1, KERNEL_CS, 0), "one that leads elsewhere");
    report(!settled(frame, left, USER_CS, 0), "one from ring 3, with the same number as its rip");
}
