// Rounds: a program goes through its door; what it has behind it is compared with what it has without an event.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <entry/idt.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/sweep/sweep.h>
#include <kernel/task.h>
#include <kernel/test.h>

#define USER_GS 0x00007654321f0000ul // no page is there: who uses it for the kernel's will know

// Where programs may write it, it may be next to the kernel's.
static u64 user_gs(void)
{
    return features.fsgsbase ? (u64)&percpu0 + sizeof(u64) : USER_GS;
}

enum { REGISTERS = sizeof(struct sweep_state) / sizeof(u64), MOST_DOORS = 64, STOP_IST = 7 };

static const char *const register_names[REGISTERS] = {
    "r15",
    "r14",
    "r13",
    "r12",
    "rbp",
    "rbx",
    "r11",
    "r10",
    "r9",
    "r8",
    "rax",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "orig_rax",
    "rip",
    "cs",
    "rflags",
    "rsp",
    "ss",
    "GS base",
    "the other GS base",
    "ds",
    "es",
    "fs",
    "gs",
};
enum { AT_ORIG_RAX = 15, AT_GS_BASE = 21 };

volatile struct sweep_order sweep_order = { .door = SWEEP_END };
volatile struct sweep_verdict sweep_verdict;

static struct sweep_state expected[MOST_DOORS]; // behind each door, without an event

void sweep_wrong(enum sweep_wrong what, const char *format, ...)
{
    va_list arguments;

    sweep_verdict.wrong |= what;
    print("# ");
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
}

// The GS base that is not in use before SWAPGS in sweep_run: then it is the program's, or ring 0's other one.
static void round(const struct sweep_door *door, struct sweep_state *end)
{
    struct pt_regs begin;

    for (unsigned i = 0; i < sizeof(begin) / sizeof(u64); i++)
        ((u64 *)&begin)[i] = 0x0123456789abcdeful * (i + 1);
    msr_write(MSR_KERNEL_GS_BASE, user_gs());
    *end = (struct sweep_state){ .gs_base = 0 };
    sweep_begin_with(door, &begin);
    events_begin();
    sweep_run(&begin, end);
}

static void compare(const u64 *got, const u64 *wanted)
{
    for (unsigned i = 0; i < REGISTERS; i++)
        if (got[i] != wanted[i])
            sweep_wrong(i == AT_GS_BASE || i == AT_GS_BASE + 1 ? WRONG_GS : WRONG_REGISTER,
                        "behind the door %s is 0x%lx, without an event 0x%lx", register_names[i],
                        got[i], wanted[i]);
}

static void ordered_round(void)
{
    struct sweep_state end;

    memset((void *)&sweep_verdict, 0, sizeof(sweep_verdict));
    round(&sweep_doors[sweep_order.door], &end);
    compare((const u64 *)&end, (const u64 *)&expected[sweep_order.door]);
    unchanged_check();
    events_end();
}

static void prepare(void)
{
    static struct stack stack = { .name = "sweep's way back" };

    if (stack_make(&stack, PAGE_SIZE) != 0 || sweep_doors_count > MOST_DOORS)
        panic("the sweep cannot begin");
    percpu0.tss.ist[STOP_IST - 1] = (u64)stack.top;
    idt[VECTOR_STOP] = gate_make((u64)sweep_stop, STOP_IST, GATE_INTERRUPT, RING_USER);
    sweep_prepare();
    events_prepare();
}

// What must be true of any door. Where its program is in ring 3 behind it, GS is the user's.
static void expect_sound(const struct sweep_door *door, const struct sweep_state *end)
{
    bool user = end->regs.cs & RPL_MASK;

    report_equal(end->gs_base, user ? user_gs() : (u64)&percpu0, "%s: GS base behind it",
                 door->name);
    report_equal(end->kernel_gs_base, user ? (u64)&percpu0 : user_gs(), "%s: the other GS base",
                 door->name);
    report_equal(end->regs.rbx, 6 * 0x0123456789abcdeful, "%s: rbx", door->name);
}

// Each door without an event: twice, because pages come with the first touch.
TEST(doors)
{
    prepare();
    interrupts_disable();
    task_load(sweep_task);
    for (unsigned i = 0; i < sweep_doors_count; i++) {
        const struct sweep_door *door = &sweep_doors[i];

        if (!sweep_door_exists(door)) {
            print("# no door %u %s\n", i, door->name);
            continue;
        }
        round(door, &expected[i]);
        round(door, &expected[i]);
        expect_sound(door, &expected[i]);
        print("# door %u %s %s\n", i, door->strike ? door->strike : "-", door->name);
    }
    unchanged_note();
}

// With nobody outside it is over at once.
TEST(rounds)
{
    for (;;) {
        sweep_ready();
        if (sweep_order.door == SWEEP_END)
            break;
        ordered_round();
    }
    task_unload(sweep_task);
    interrupts_enable();
}
