// The kernel's own tests: an NMI to itself.

#include <arch/cpu.h>
#include <arch/debug_registers.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/percpu.h>
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

// ---- an NMI while the frame of an #MC goes to its lower place -------------------------------------------

extern const char leave_machine_check[], cleared[] asm("leave_machine_check.cleared");

// PUSH QWORD [rsi + PT_RFLAGS]: rsp and ss are there already, and the rest is not.
static u64 middle_of_the_copy(void)
{
    static const u8 push[] = { 0xff, 0xb6, offsetof(struct pt_regs, rflags), 0, 0, 0 };

    for (u64 at = (u64)leave_machine_check; at < (u64)cleared; at++)
        if (!memcmp((const void *)at, push, sizeof(push)))
            return at;
    return 0;
}

static unsigned steps;

// What an earlier one has left there leads to the end of an NMI.
static void leave_old_frame(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 *place = (u64 *)(this_cpu()->tss.ist[IST_MC - 1] - MACHINE_CHECK_PLACE) - 5;

    (void)regs;
    (void)error_code;
    (void)vector;
    place[0] = (u64)nmi_left;
    place[1] = KERNEL_CS;
    breakpoint_set(middle_of_the_copy());
}

static void send_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    write_dr6(DR6_NOTHING);
    steps++;
    nmi_self();
}

TEST(nmi_while_a_frame_moves)
{
    trap_handler *machine_check = trap_set_handler(VECTOR_MC, leave_old_frame);
    trap_handler *debug = trap_set_handler(VECTOR_DB, send_nmi);
    trap_handler *nmi = trap_set_handler(VECTOR_NMI, count_nmi);

    count = steps = 0;
    report(middle_of_the_copy() != 0, "the copy is found");
    asm volatile("int %0" ::"i"(VECTOR_MC) : "memory");
    report_count(steps, 1, "breakpoints on the way back");
    report_count(count, 1, "NMIs there");
    trap_set_handler(VECTOR_NMI, nmi);
    trap_set_handler(VECTOR_DB, debug);
    trap_set_handler(VECTOR_MC, machine_check);
}
