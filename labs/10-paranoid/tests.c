// Lab 10: what may strike between any two instructions.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/msr.h>
#include <arch/paranoid.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/symbols.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "programs.h"
#include "sweep.h"
#include "triggers.h"

enum { ENOUGH = 4, MOST_PLACES = MOST_TRACED, NO_SUCH_CALL = 5000 };

#define USER_GS 0x00007654321f0000ul
#define ARITHMETIC 0x8d5ul // the flags that any instruction may change

extern const char to_user_iretq[] asm("to_user.iretq");

static const char *const register_names[GENERAL_REGISTERS] = {
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"
};

static u64 *registers_of(struct pt_regs *regs)
{
    return &regs->r15;
}

static u64 stub_of(unsigned vector)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == vector)
            return stub->address;
    return 0;
}

// ---- what a handler sees ----------------------------------------------------------------------------

static struct seen {
    unsigned count, deepest;
    struct pt_regs regs; // of the one that came last
    struct pt_regs first;
    u64 place, gs, other_gs, error_code;
    const struct stack *stack;
} seen;
static unsigned depth;
static void (*meanwhile)(struct pt_regs *regs); // what the first one does besides

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)vector;
    if (seen.count++ == 0)
        seen.first = *regs;
    seen.regs = *regs;
    seen.place = (u64)regs;
    seen.gs = msr_read(MSR_GS_BASE);
    seen.other_gs = msr_read(MSR_KERNEL_GS_BASE);
    seen.error_code = error_code;
    seen.stack = stack_at((u64)__builtin_frame_address(0));
    regs->rflags &= ~RFLAGS_TF;
    if (++depth > seen.deepest)
        seen.deepest = depth;
    if (meanwhile && seen.count == 1)
        meanwhile(regs);
    depth--;
    spoil();
}

static trap_handler *before_see;

static void watch(unsigned vector)
{
    seen = (struct seen){ 0 };
    depth = 0;
    before_see = trap_set_handler(vector, see);
}

static void watch_no_more(unsigned vector)
{
    trap_set_handler(vector, before_see);
    meanwhile = NULL;
}

// ---- kernel code, and whose GS it has ------------------------------------------------------------------

static struct strike strike_with(u64 gs, u64 other_gs, u64 rflags)
{
    struct strike strike = { .in_gs = gs, .in_other_gs = other_gs, .in_rflags = rflags | RFLAGS_FIXED };

    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        strike.in[i] = test_pattern();
    return strike;
}

static struct strike with_users_gs(u64 rflags)
{
    return strike_with(USER_GS, (u64)&percpu0, rflags);
}

static struct strike with_kernels_gs(u64 rflags)
{
    return strike_with((u64)&percpu0, USER_GS, rflags);
}

static void strike(struct strike *strike, const char *code)
{
    bool enabled = interrupts_save();

    strike_run(strike, code);
    interrupts_restore(enabled);
}

// What a store needs to send this CPU an NMI.
static void order_nmi(struct strike *strike)
{
    strike->in[REGISTER_RAX] = (u64)local_apic_register(APIC_COMMAND_LOW);
    strike->in[REGISTER_RCX] = COMMAND_NMI | COMMAND_ASSERT;
    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
}

static void expect_gs_back(const struct strike *strike, const char *what)
{
    report_equal(strike->out_gs, strike->in_gs, "%s: GS base afterwards", what);
    report_equal(strike->out_other_gs, strike->in_other_gs, "%s: the other GS base afterwards", what);
}

static void expect_back(const struct strike *strike, const char *what)
{
    unsigned said = 0;

    expect_gs_back(strike, what);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (strike->out[i] != strike->in[i] && said++ < ENOUGH)
            report_equal(strike->out[i], strike->in[i], "%s: %s afterwards", what, register_names[i]);
    report_equal(strike->out_rsp, strike->in_rsp, "%s: rsp afterwards", what);
    report_equal(strike->out_rflags & ~RFLAGS_TF, strike->in_rflags & ~RFLAGS_TF, "%s: flags afterwards", what);
}

static void expect_seen(const struct strike *strike, enum ist ist, const char *what)
{
    report_count(seen.count, 1, "%s: how often", what);
    if (!seen.count)
        return;
    report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler", what);
    report(seen.stack == &ist_stacks[ist - 1], "%s: the handler runs on the %s", what,
           ist_stacks[ist - 1].name);
    report_equal(seen.regs.rsp, strike->in_rsp, "%s: rsp in the frame", what);
    report_equal(seen.regs.cs, KERNEL_CS, "%s: cs in the frame", what);
    report_equal(seen.regs.orig_rax, NO_SYSTEM_CALL, "%s: orig_rax", what);
    report_equal(seen.error_code, NO_ERROR_CODE, "%s: error code", what);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(registers_of(&seen.regs)[i], strike->in[i], "%s: %s in the frame", what,
                     register_names[i]);
}

static void take(struct strike *run, const char *what)
{
    strike(run, strike_take);
    report_equal(taken_gs, (u64)&percpu0, "%s: GS base behind gs_take", what);
}

TEST(whose_gs)
{
    struct strike run = with_kernels_gs(0);

    take(&run, "GS is the kernel's");
    run = strike_with(0, (u64)&percpu0, 0);
    take(&run, "GS is a program's, base 0");
    run = with_users_gs(0);
    take(&run, "GS is a program's");
    run = strike_with(0x00000000fffff000, (u64)&percpu0, 0);
    take(&run, "GS is a program's, base below 4 GiB");
    run = strike_with(USER_END - 1, (u64)&percpu0, 0);
    take(&run, "GS is a program's, the highest base");
}

TEST(gives_back)
{
    struct strike run = with_kernels_gs(0);

    strike(&run, strike_take_and_give_back);
    expect_gs_back(&run, "gs_take and gs_give_back, GS is the kernel's");
    run = with_users_gs(0);
    strike(&run, strike_take_and_give_back);
    expect_gs_back(&run, "gs_take and gs_give_back, GS is a program's");
}

static void expect_strike(struct strike run, unsigned vector, const char *code, const char *what)
{
    enum ist ist = vectors[vector].ist;

    if (vector == VECTOR_NMI)
        order_nmi(&run);
    watch(vector);
    strike(&run, code);
    watch_no_more(vector);
    expect_seen(&run, ist, what);
    expect_back(&run, what);
}

TEST(kernel_code)
{
    expect_strike(with_kernels_gs(RFLAGS_TF), VECTOR_DB, strike_nothing, "#DB, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_TF), VECTOR_DB, strike_nothing, "#DB, GS is a program's");
    expect_strike(with_kernels_gs(0), VECTOR_MC, strike_int18, "INT 18, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_DF | ARITHMETIC), VECTOR_MC, strike_int18,
                  "INT 18, GS is a program's");
}

TEST(nmi)
{
    expect_strike(with_kernels_gs(0), VECTOR_NMI, strike_store, "NMI, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_DF | ARITHMETIC), VECTOR_NMI, strike_store,
                  "NMI, GS is a program's");
    expect_strike(with_users_gs(0), VECTOR_NMI, strike_store, "another NMI");
}

// ---- programs -------------------------------------------------------------------------------------------

static struct task *task;

static bool load(const char *name, const struct flat *flat)
{
    int error;

    task = task_new(name);
    error = task ? flat_load(task, flat) : -ENOMEM;
    report_error(error, 0, "a task for program %s", name);
    if (error)
        return false;
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        registers_of(task_regs(task))[i] = test_pattern();
    task->user.gs_base = USER_GS;
    task->user.gs = USER_DS; // so that it is loaded
    return true;
}

static unsigned breakpoints, most_breakpoints;
static struct pt_regs at_breakpoint;

// The last of them ends the run.
static void at_int3(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    at_breakpoint = *regs;
    if (++breakpoints == most_breakpoints)
        task_stop();
}

static void run_task(void)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, at_int3);

    breakpoints = 0;
    task_run(task);
    trap_set_handler(VECTOR_BP, before);
}

static void expect_on_task(const char *what)
{
    report_count(seen.count, 1, "%s in ring 3: how often", what);
    if (!seen.count)
        return;
    report_equal(seen.gs, (u64)&percpu0, "%s in ring 3: GS base in the handler", what);
    report_equal(seen.other_gs, USER_GS, "%s in ring 3: the other GS base in the handler", what);
    report(seen.stack == &task->kernel_stack, "%s in ring 3: the handler runs on the task's stack", what);
    report_equal(seen.place, (u64)task_regs(task), "%s in ring 3: where struct pt_regs lies", what);
    report_equal(seen.regs.cs, USER_CS, "%s in ring 3: cs in the frame", what);
}

static void in_ring_3(unsigned vector, enum event event, const char *what)
{
    struct pt_regs sent;
    unsigned wrong = 0;

    if (!load("breakpoints", &program_breakpoints))
        return;
    sent = *task_regs(task);
    most_breakpoints = 1;
    watch(vector);
    if (vector == VECTOR_DB) {
        task_regs(task)->rflags |= RFLAGS_TF;
        most_breakpoints = 2; // TF strikes behind the first
        run_task();
    } else {
        report(strike_at((u64)to_user_iretq, event, run_task), "%s: to_user.iretq is on the way", what);
    }
    watch_no_more(vector);
    expect_on_task(what);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        wrong += registers_of(&at_breakpoint)[i] != registers_of(&sent)[i];
    report_count(wrong, 0, "%s in ring 3: registers of the program's that are wrong afterwards", what);
    task_free(task);
}

TEST(from_ring3)
{
    in_ring_3(VECTOR_DB, EVENT_DB, "#DB");
    in_ring_3(VECTOR_MC, EVENT_MC_IN_RING_3, "#MC");
    in_ring_3(VECTOR_NMI, EVENT_NMI_IN_RING_3, "NMI");
}

// ---- every instruction of the ways in and out -----------------------------------------------------------

static u64 places[MOST_PLACES];

static struct strike swept;

static void nothing(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
}

static void run_breakpoint_in_kernel(void)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, nothing);

    strike(&swept, strike_breakpoint);
    trap_set_handler(VECTOR_BP, before);
}

static bool swept_right(bool aloud)
{
    struct strike *run = &swept;
    bool right = run->out_gs == run->in_gs && run->out_other_gs == run->in_other_gs &&
                 !memcmp(run->in, run->out, sizeof(run->in)) && run->out_rsp == run->in_rsp;

    if (!right && aloud)
        expect_back(run, "what was interrupted");
    return right;
}

static struct pt_regs sent;

// The program's registers, but those that SYSCALL itself writes to.
static bool program_right(bool aloud)
{
    unsigned wrong = 0;
    bool call = most_breakpoints == 1;

    for (unsigned i = 0; i < GENERAL_REGISTERS; i++) {
        if (call && (i == 3 || i == 6 || i == 10 || i == 11)) // r12, r11, rax, rcx
            continue;
        if (registers_of(&at_breakpoint)[i] == registers_of(&sent)[i])
            continue;
        if (aloud && wrong < ENOUGH)
            report_equal(registers_of(&at_breakpoint)[i], registers_of(&sent)[i],
                         "the program's %s afterwards", register_names[i]);
        wrong++;
    }
    if (breakpoints != most_breakpoints && aloud)
        report_count(breakpoints, most_breakpoints, "breakpoints that the program has come to");
    return !wrong && breakpoints == most_breakpoints && at_breakpoint.rsp == sent.rsp &&
           msr_read(MSR_GS_BASE) == (u64)&percpu0 && task->user.gs_base == USER_GS;
}

static const char *const event_names[] = { "NMI", "#DB", "#MC", "NMI", "#MC" };
static const unsigned event_vectors[] = { VECTOR_NMI, VECTOR_DB, VECTOR_MC, VECTOR_NMI, VECTOR_MC };

static bool one_place(const struct path *path, u64 place, enum event event, bool (*is_right)(bool aloud),
                      bool aloud)
{
    unsigned vector = event_vectors[event];
    bool hit, right;

    watch(vector);
    hit = strike_at(place, event, path->run);
    watch_no_more(vector);
    right = hit && seen.count == 1 && seen.regs.rip == place && seen.gs == (u64)&percpu0 &&
            seen.stack == &ist_stacks[vectors[vector].ist - 1] && is_right(false);
    if (right || !aloud)
        return right;
    report(hit, "%s: the CPU comes to 0x%lx again", path->name, place);
    report_count(seen.count, 1, "%s: handler of the %s that strikes before %s+0x%lx, how often", path->name,
                 event_names[event], symbol_at(place)->name, place - symbol_at(place)->address);
    if (seen.count) {
        report_place(seen.regs.rip, place, "%s: rip in the frame of the %s", path->name,
                     event_names[event]);
        report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler of the %s before %s+0x%lx", path->name,
                     event_names[event], symbol_at(place)->name, place - symbol_at(place)->address);
    }
    is_right(true);
    return false;
}

static void sweep(const struct path *path, enum event event, bool (*is_right)(bool aloud))
{
    unsigned count = path_follow(path, false, places, MOST_PLACES), wrong = 0;

    for (unsigned i = 0; i < count; i++)
        wrong += !one_place(path, places[i], event, is_right, wrong < ENOUGH);
    print("# %s, %s: %u instructions\n", path->name, event_names[event], count);
    report_count(wrong, 0, "%s: instructions of %u at which a %s goes wrong", path->name, count,
                 event_names[event]);
}

extern const char entry_syscall[];

static void sweep_all(enum event event)
{
    struct path kernel = { "#BP in the kernel", stub_of(VECTOR_BP), (u64)strike_breakpoint_behind,
                           run_breakpoint_in_kernel };
    struct path load_gs = { "to a program", (u64)user_gs_load, 0, run_task };
    struct path program = { "#BP in a program", stub_of(VECTOR_BP), 0, run_task };
    struct path call = { "SYSCALL", (u64)entry_syscall, 0, run_task };

    swept = with_kernels_gs(0);
    sweep(&kernel, event, swept_right);

    if (!load("breakpoints", &program_breakpoints))
        return;
    sent = *task_regs(task);
    most_breakpoints = 2;
    run_task(); // its pages come
    sweep(&load_gs, event, program_right);
    sweep(&program, event, program_right);
    task_free(task);

    if (!load("calls", &program_calls))
        return;
    task_regs(task)->rbx = NO_SUCH_CALL;
    task_regs(task)->r13 = task_regs(task)->rsp;
    sent = *task_regs(task);
    most_breakpoints = 1;
    run_task();
    sweep(&call, event, program_right);
    task_free(task);
}

TEST(nmi_everywhere)
{
    sweep_all(EVENT_NMI);
}

TEST(debug_everywhere)
{
    sweep_all(EVENT_DB);
}

TEST(machine_check_everywhere)
{
    sweep_all(EVENT_MC);
}
