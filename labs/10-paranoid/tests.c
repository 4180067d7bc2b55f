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
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/symbols.h>
#include <kernel/test.h>
#include <kernel/test_program.h>
#include <kernel/test_registers.h>
#include <kernel/traps.h>

#include "programs.h"
#include "sweep.h"
#include "triggers.h"

enum { ENOUGH = 4, TOO_OFTEN = 20, MOST_PLACES = MOST_TRACED, NO_SUCH_CALL = 5000 };

#define USER_GS    0x00007654321f0000ul
#define ARITHMETIC 0x8d5ul // the flags that any instruction may change

extern const char to_user_iretq[] asm("to_user.iretq");

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
    u64 place, gs, other_gs, error_code, flags,
        frame; // frame: a multiple of 16 if calls were made as C wants it
    const struct stack *stack;
} seen;
static unsigned depth;
static void (*meanwhile)(struct pt_regs *regs); // what the first one does besides

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 flags = read_rflags();

    asm volatile("cld"); // C counts on it
    if (seen.count == TOO_OFTEN)
        panic("the handler of vector %u, %s, runs again and again", vector, vectors[vector].name);
    if (seen.count++ == 0)
        seen.first = *regs;
    seen.regs = *regs;
    seen.place = (u64)regs;
    seen.gs = msr_read(MSR_GS_BASE);
    seen.other_gs = msr_read(MSR_KERNEL_GS_BASE);
    seen.error_code = error_code;
    seen.flags = flags;
    seen.frame = (u64)__builtin_frame_address(0);
    seen.stack = stack_at(seen.frame);
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
    struct strike strike = { .in_gs = gs,
                             .in_other_gs = other_gs,
                             .in_rflags = rflags | RFLAGS_FIXED };

    fill_registers(strike.in);
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
    report_equal(strike->out_other_gs, strike->in_other_gs, "%s: the other GS base afterwards",
                 what);
}

static void expect_back(const struct strike *strike, const char *what)
{
    unsigned said = 0;

    expect_gs_back(strike, what);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (strike->out[i] != strike->in[i] && said++ < ENOUGH)
            report_equal(strike->out[i], strike->in[i], "%s: %s afterwards", what,
                         register_names[i]);
    report_equal(strike->out_rsp, strike->in_rsp, "%s: rsp afterwards", what);
    report_equal(strike->out_rflags & ~RFLAGS_TF, strike->in_rflags & ~RFLAGS_TF,
                 "%s: flags afterwards", what);
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
    report(!(seen.flags & RFLAGS_DF), "%s: DF is clear in the handler", what);
    report_equal(seen.frame % 16, 0, "%s: the stack in C, modulo 16", what);
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

static void expect_given_back(struct strike run, const char *code, const char *what)
{
    strike(&run, code);
    expect_gs_back(&run, what);
}

TEST(gives_back)
{
    expect_given_back(with_kernels_gs(0), strike_take_and_give_back,
                      "gs_take and gs_give_back, GS is the kernel's");
    expect_given_back(with_users_gs(0), strike_take_and_give_back,
                      "gs_take and gs_give_back, GS is a program's");
    expect_given_back(with_kernels_gs(0), strike_take_call_give_back,
                      "with a function call between, GS is the kernel's");
    expect_given_back(with_users_gs(0), strike_take_call_give_back,
                      "with a function call between, GS is a program's");
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

// ---- programs -------------------------------------------------------------------------------------------

static struct task *task;

static bool load(const char *name, const struct flat *flat)
{
    task = test_program(task_new(name), flat);
    if (!task)
        return false;
    fill_registers(registers_of(task_regs(task)));
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

static void expect_on_task(const char *what, u64 cs)
{
    report_count(seen.count, 1, "%s in ring 3: how often", what);
    if (!seen.count)
        return;
    report_equal(seen.gs, (u64)&percpu0, "%s in ring 3: GS base in the handler", what);
    report_equal(seen.other_gs, USER_GS, "%s in ring 3: the other GS base in the handler", what);
    report(seen.stack == &task->kernel_stack, "%s in ring 3: the handler runs on the task's stack",
           what);
    report_equal(seen.place, (u64)task_regs(task), "%s in ring 3: where struct pt_regs lies", what);
    report_equal(seen.regs.cs, cs, "%s in ring 3: cs in the frame", what);
}

static void make_32_bits(struct pt_regs *regs)
{
    regs->cs = USER32_CS;
    regs->rsp = (u32)regs->rsp;
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        registers_of(regs)[i] = (u32)registers_of(regs)[i];
}

static void in_ring_3(unsigned vector, enum event event, u64 cs, const char *what)
{
    struct pt_regs sent;
    unsigned wrong = 0;

    if (!load("breakpoints", &program_breakpoints))
        return;
    if (cs == USER32_CS)
        make_32_bits(task_regs(task));
    sent = *task_regs(task);
    most_breakpoints = 1;
    watch(vector);
    if (vector == VECTOR_DB) {
        task_regs(task)->rflags |= RFLAGS_TF;
        most_breakpoints = 2; // TF strikes behind the first
        run_task();
    } else {
        report(strike_at((u64)to_user_iretq, event, run_task), "%s: to_user.iretq is on the way",
               what);
    }
    watch_no_more(vector);
    expect_on_task(what, cs);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        wrong += registers_of(&at_breakpoint)[i] != registers_of(&sent)[i];
    report_count(wrong, 0, "%s in ring 3: registers of the program's that are wrong afterwards",
                 what);
    task_free(task);
}

TEST(from_ring3)
{
    in_ring_3(VECTOR_DB, EVENT_DB, USER_CS, "#DB");
    in_ring_3(VECTOR_DB, EVENT_DB, USER32_CS, "#DB, 32-bit code");
    in_ring_3(VECTOR_MC, EVENT_MC_IN_RING_3, USER_CS, "#MC");
    in_ring_3(VECTOR_NMI, EVENT_NMI_IN_RING_3, USER_CS, "NMI");
}

TEST(kernel_code)
{
    expect_strike(with_kernels_gs(RFLAGS_TF), VECTOR_DB, strike_nothing, "#DB, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_TF), VECTOR_DB, strike_nothing, "#DB, GS is a program's");
    expect_strike(with_kernels_gs(0), VECTOR_MC, strike_int18, "INT 18, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_DF | ARITHMETIC), VECTOR_MC, strike_int18,
                  "INT 18, GS is a program's");
}

// ---- every instruction of the ways in and out -----------------------------------------------------------

static u64 places[MOST_PLACES];

extern const char entry_syscall[];

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

static bool one_place(const struct path *path, u64 place, enum event event,
                      bool (*is_right)(bool aloud), bool aloud)
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
    report_count(seen.count, 1, "%s: handler of the %s that strikes before %s+0x%lx, how often",
                 path->name, event_names[event], symbol_at(place)->name,
                 place - symbol_at(place)->address);
    if (seen.count) {
        report_place(seen.regs.rip, place, "%s: rip in the frame of the %s", path->name,
                     event_names[event]);
        report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler of the %s before %s+0x%lx",
                     path->name, event_names[event], symbol_at(place)->name,
                     place - symbol_at(place)->address);
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

static void sweep_all(enum event event)
{
    struct path kernel = { "#BP in the kernel",           stub_of(VECTOR_BP),
                           (u64)strike_breakpoint_behind, (u64)strike_breakpoint_behind,
                           run_breakpoint_in_kernel,      false };
    struct path load_gs = { "to a program", (u64)user_gs_load, 0, 0, run_task, false };
    struct path program = { "#BP in a program", stub_of(VECTOR_BP), 0, 0, run_task, false };
    struct path call = { "SYSCALL", (u64)entry_syscall, 0, 0, run_task, false };

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

TEST(debug_everywhere)
{
    sweep_all(EVENT_DB);
}

TEST(machine_check_everywhere)
{
    sweep_all(EVENT_MC);
}

static void read_and_clear(struct pt_regs *regs)
{
    do_machine_check(regs, NO_ERROR_CODE, VECTOR_MC);
}

// A real one, from outside, in the middle of kernel code with a program's GS.
TEST(machine_check)
{
    struct strike run = with_users_gs(0);

    knocked = 0;
    meanwhile = read_and_clear;
    watch(VECTOR_MC);
    strike(&run, strike_knock);
    watch_no_more(VECTOR_MC);
    if (!knocked) {
        skip("nobody injects a machine check here");
        return;
    }
    report_count(seen.count, 1, "#MC: how often");
    report_equal(seen.gs, (u64)&percpu0, "#MC: GS base in the handler");
    report(seen.stack == &ist_stacks[IST_MC - 1], "#MC: the handler runs on the #MC stack");
    expect_gs_back(&run, "#MC");
}

// Ends in a panic.
TEST(double_fault)
{
    struct strike run = with_users_gs(0);

    strike(&run, strike_no_stack);
}

// Ends in a panic, too.
TEST(double_fault_in_ring3)
{
    if (!load("breakpoints", &program_breakpoints))
        return;
    most_breakpoints = 2;
    strike_at((u64)to_user_iretq, EVENT_NO_STACK, run_task);
}

// ---- single steps and MOV SS -------------------------------------------------------------------------------

enum { MOST_STEPS = 8 };

static struct {
    unsigned count, in_kernel;
    u64 rip[MOST_STEPS];
    u64 kernel_rip, gs;
} steps;

// Leaves the kernel's to do_debug, and lets the program step on.
static void note_step(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (!(regs->cs & RPL_MASK)) {
        steps.in_kernel++;
        steps.kernel_rip = regs->rip;
        steps.gs = msr_read(MSR_GS_BASE);
        do_debug(regs, error_code, vector);
    } else if (steps.count < MOST_STEPS) {
        steps.rip[steps.count++] = regs->rip;
    } else {
        task_stop();
    }
}

// Where the steps end, behind the NOP that follows POPFQ.
static void expect_steps(const char *name, const struct flat *flat, const u64 *offsets,
                         unsigned count)
{
    trap_handler *before;

    if (!load(name, flat))
        return;
    task_regs(task)->rax = NO_SUCH_CALL;
    memset(&steps, 0, sizeof(steps));
    before = trap_set_handler(VECTOR_DB, note_step);
    task_run(task);
    trap_set_handler(VECTOR_DB, before);
    report_count(steps.count, count, "%s: steps", name);
    for (unsigned i = 0; i < steps.count && i < count; i++)
        report_equal(steps.rip[i], FLAT_CODE + offsets[i], "%s: rip behind step %u", name, i + 1);
    report_count(task->end.vector, VECTOR_UD, "%s: ends by vector", name);
    task_free(task);
}

enum { BEHIND_POPFQ = 5 + 1 }; // bytes of PUSH and POPFQ

TEST(steps_over_doors)
{
    static const u64 nops[] = { BEHIND_POPFQ + 1, BEHIND_POPFQ + 2, BEHIND_POPFQ + 3,
                                BEHIND_POPFQ + 4, BEHIND_POPFQ + 9, BEHIND_POPFQ + 10 };
    // Behind SYSCALL and INT n TF is back, and IRETQ lets one more instruction pass.
    static const u64 calls[] = { BEHIND_POPFQ + 1, BEHIND_POPFQ + 4, BEHIND_POPFQ + 5,
                                 BEHIND_POPFQ + 10, BEHIND_POPFQ + 11 };

    expect_steps("NOP", &program_step, nops, array_length(nops));
    expect_steps("SYSCALL", &program_step_syscall, calls, array_length(calls));
}

// Reading and writing of 8 bytes. SDM vol. 3, figure 18-1.
static void breakpoint_on_access(u64 address)
{
    asm volatile("mov dr0, %0\n\tmov dr7, %1" ::"r"(address), "r"(1ul | 3ul << 16 | 2ul << 18));
}

// A data breakpoint on what MOV SS reads. It is held back until the next instruction is through, and that
// is SYSCALL.
TEST(mov_ss)
{
    trap_handler *before;
    u64 selector = USER_DS;
    bool enabled;

    if (!load("MOV SS", &program_mov_ss))
        return;
    task_regs(task)->rdi = FLAT_DATA;
    task_regs(task)->rax = NO_SUCH_CALL;
    enabled = interrupts_save();
    space_switch(task->space);
    report_count(copy_to_user(FLAT_DATA, &selector, sizeof(selector)), 0, "bytes not copied");
    space_switch(&kernel_space);
    interrupts_restore(enabled);
    memset(&steps, 0, sizeof(steps));
    most_breakpoints = 1;
    before = trap_set_handler(VECTOR_DB, note_step);
    breakpoint_on_access(FLAT_DATA);
    run_task();
    breakpoint_clear();
    trap_set_handler(VECTOR_DB, before);
    report_count(steps.in_kernel, 1, "#DB in the kernel");
    report_place(steps.kernel_rip, (u64)entry_syscall, "where it strikes");
    report_equal(steps.gs, (u64)&percpu0, "GS base in its handler");
    report_count(breakpoints, 1, "the program comes to its INT3");
    report_equal(at_breakpoint.rax, (u64)-ENOSYS, "what its system call returns");
    task_free(task);
}

// ---- NMIs ----------------------------------------------------------------------------------------

TEST(nmi)
{
    expect_strike(with_kernels_gs(0), VECTOR_NMI, strike_store, "NMI, GS is the kernel's");
    expect_strike(with_users_gs(RFLAGS_DF | ARITHMETIC), VECTOR_NMI, strike_store,
                  "NMI, GS is a program's");
    expect_strike(with_users_gs(0), VECTOR_NMI, strike_store, "another NMI");
}

TEST(nmi_everywhere)
{
    sweep_all(EVENT_NMI);
}

// ---- NMIs that nest --------------------------------------------------------------------------------------

// An exception, whose IRETQ lets the next NMI in.
static void except(struct pt_regs *regs)
{
    (void)regs;
    asm volatile("int3");
}

static void except_and_send(struct pt_regs *regs)
{
    except(regs);
    nmi_self();
}

static void except_and_send_three(struct pt_regs *regs)
{
    except_and_send(regs);
    nmi_self();
    nmi_self();
}

static bool same_frame(const struct pt_regs *a, const struct pt_regs *b)
{
    return !memcmp(a, b, sizeof(*a));
}

static void run_nmi(void)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, nothing);

    strike(&swept, strike_store);
    trap_set_handler(VECTOR_BP, before);
}

static void expect_nested(void (*first)(struct pt_regs *regs), unsigned count, const char *what)
{
    swept = with_users_gs(0);
    order_nmi(&swept);
    watch(VECTOR_NMI);
    meanwhile = first;
    run_nmi();
    watch_no_more(VECTOR_NMI);
    report_count(seen.count, count, "%s: how often the handler ran", what);
    report_count(seen.deepest, 1, "%s: how many at once", what);
    report_place(seen.regs.rip, seen.first.rip, "%s: rip in the frame of the last", what);
    report_equal(seen.regs.rsp, seen.first.rsp, "%s: rsp in the frame of the last", what);
    report(same_frame(&seen.regs, &seen.first), "%s: the frames are the same", what);
    report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler of the last", what);
    expect_back(&swept, what);
}

TEST(nested)
{
    expect_nested(except, 1, "an exception in the handler");
    expect_nested(except_and_send, 2, "one more NMI behind it");
    expect_nested(except_and_send_three, 2, "three more, which are one");
    expect_nested(except, 1, "an NMI afterwards");
}

static unsigned before_machine_check;

static void send_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    before_machine_check = seen.count;
    nmi_self();
}

// The second one goes on where the first one did; but in the handler of a machine check it may have struck at
// once.
static bool nested_right(u64 place, enum event event, bool aloud)
{
    const struct symbol *at = symbol_at(place);
    bool same = event == EVENT_MC || same_frame(&seen.first, &seen.regs);
    bool right = seen.count == 2 && seen.deepest == 1 && same && seen.gs == (u64)&percpu0 &&
                 swept_right(false);

    if (right || !aloud)
        return right;
    report_count(seen.count, 2, "NMI before %s+0x%lx: how often the handler ran", at->name,
                 place - at->address);
    report_count(seen.deepest, 1, "NMI before %s+0x%lx: how many at once", at->name,
                 place - at->address);
    report(same, "NMI before %s+0x%lx: the frames are the same", at->name, place - at->address);
    swept_right(true);
    return false;
}

// Strikes every instruction of an NMI whose handler takes an exception.
static void sweep_nmi(enum event event)
{
    struct path path = {
        "NMI", stub_of(VECTOR_NMI), (u64)strike_store, (u64)strike_store_end, run_nmi, true
    };
    unsigned count, wrong = 0;

    swept = with_users_gs(0);
    order_nmi(&swept);
    watch(VECTOR_NMI);
    meanwhile = except;
    count = path_follow(&path, false, places, MOST_PLACES);
    watch_no_more(VECTOR_NMI);
    for (unsigned i = 0; i < count; i++) {
        bool hit;

        watch(VECTOR_NMI);
        meanwhile = except;
        hit = strike_at(places[i], event, run_nmi);
        watch_no_more(VECTOR_NMI);
        wrong += !hit || !nested_right(places[i], event, wrong < ENOUGH);
    }
    print("# %u instructions\n", count);
    report_count(wrong, 0, "instructions of %u of an NMI's way at which another goes wrong", count);
}

TEST(nested_everywhere)
{
    sweep_nmi(EVENT_NMI);
}

// A machine check at every instruction of an NMI's way, and an NMI that is sent in its handler.
TEST(machine_check_in_nmi)
{
    trap_handler *before = trap_set_handler(VECTOR_MC, send_nmi);

    sweep_nmi(EVENT_MC);
    trap_set_handler(VECTOR_MC, before);
}

// The program puts into rsp what the NMI stack has, and SYSCALL leaves it there.
TEST(forged_stack)
{
    enum { SLOTS = 64, EVERY = 8 }; // slots from the top; for each of the latter, all instructions
    struct path call = { "SYSCALL with a forged rsp", (u64)entry_syscall, 0, 0, run_task, false };
    u64 top = (u64)ist_stacks[IST_NMI - 1].top;
    unsigned count;

    if (!load("calls", &program_calls))
        return;
    task_regs(task)->rbx = NO_SUCH_CALL;
    most_breakpoints = 1;
    run_task();
    sent = at_breakpoint;
    count = path_follow(&call, true, places, MOST_PLACES);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        unsigned wrong = 0;

        // Elsewhere the first and the last one, where rsp is the program's.
        sent.r13 = task_regs(task)->r13 = top - slot * sizeof(u64);
        for (unsigned i = 0; i < count; i += slot % EVERY && i == 0 ? count - 1 : 1)
            wrong += !one_place(&call, places[i], EVENT_NMI, program_right, wrong < 1);
        report_count(wrong, 0,
                     "rsp at the NMI stack's top - 0x%lx: instructions at which an NMI goes wrong",
                     slot * sizeof(u64));
        if (wrong)
            break;
    }
    task_free(task);
}

// ---- optional: a #DB stack that moves ------------------------------------------------------------------------

enum { TURNS = 3 };

static struct {
    unsigned depth, most;
    struct pt_regs *place[TURNS + 1], copy[TURNS + 1];
    unsigned spoilt;
} turns;

static void step_deeper(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    unsigned at = turns.depth++;

    (void)error_code;
    (void)vector;
    regs->rflags &= ~RFLAGS_TF;
    turns.place[at] = regs;
    turns.copy[at] = *regs;
    if (turns.depth < turns.most)
        step_once();
    turns.spoilt += !same_frame(regs, &turns.copy[at]);
    turns.depth--;
}

static void step_into(unsigned most)
{
    trap_handler *before = trap_set_handler(VECTOR_DB, step_deeper);

    memset(&turns, 0, sizeof(turns));
    turns.most = most;
    step_once();
    trap_set_handler(VECTOR_DB, before);
}

TEST(stack_moves)
{
    u64 before = percpu0.tss.ist[IST_DB - 1], top;

    report_error(debug_stack_nest(true), 0, "debug_stack_nest");
    top = percpu0.tss.ist[IST_DB - 1];
    step_into(TURNS);
    report_count(turns.spoilt, 0, "frames of %u that were overwritten", TURNS);
    for (unsigned i = 0; i < TURNS; i++)
        report_equal((u64)(turns.place[i] + 1), top - i * PAGE_SIZE, "end of frame %u", i + 1);
    report_equal(percpu0.tss.ist[IST_DB - 1], top, "IST %u of the TSS afterwards", IST_DB);
    debug_stack_nest(false);
    report_equal(percpu0.tss.ist[IST_DB - 1], before, "IST %u of the TSS as it was before", IST_DB);
}

// Ends in a panic: there is room for three.
TEST(stack_moves_too_far)
{
    debug_stack_nest(true);
    step_into(TURNS + 1);
}

// ---- optional: FSGSBASE -------------------------------------------------------------------------------------

static bool has_fsgsbase(void)
{
    if (gs_way_use(GS_BY_LSL) == 0)
        return true;
    skip("this CPU has no FSGSBASE");
    return false;
}

TEST(cpu_number)
{
    enum { NUMBER = 0x123 };
    bool rdpid;

    if (!has_fsgsbase())
        return;
    rdpid = gs_way_use(GS_BY_RDPID) == 0;
    gs_way_use(GS_BY_SIGN);
    cpu_number_set(NUMBER);
    if (!load("numbers", &program_numbers))
        return;
    task_regs(task)->rsi = rdpid;
    most_breakpoints = 1;
    run_task();
    cpu_number_set(0);
    report_equal(at_breakpoint.rax, NUMBER, "limit of segment 0x%x", CPU_NUMBER);
    if (rdpid)
        report_equal(at_breakpoint.rdx, NUMBER, "RDPID");
    task_free(task);
}

static bool base_right(bool aloud)
{
    u64 base = sent.rdi;
    bool right = at_breakpoint.r8 == base && task->user.gs_base == base &&
                 msr_read(MSR_GS_BASE) == (u64)&percpu0 && breakpoints == 2;

    if (right || !aloud)
        return right;
    report_equal(at_breakpoint.r8, base, "what RDGSBASE says in ring 3");
    report_equal(task->user.gs_base, base, "the GS base that is saved with the task");
    report_equal(msr_read(MSR_GS_BASE), (u64)&percpu0, "GS base of the kernel");
    return false;
}

static void sweep_base(u64 base, enum event event)
{
    struct path path = { "#BP in a program", stub_of(VECTOR_BP), 0, 0, run_task, false };
    unsigned count, wrong = 0;

    if (!load("base", &program_writes_base))
        return;
    task_regs(task)->rdi = base;
    sent = *task_regs(task);
    most_breakpoints = 2;
    run_task();
    count = path_follow(&path, true, places, MOST_PLACES);
    for (unsigned i = 0; i < count; i++)
        wrong += !one_place(&path, places[i], event, base_right, wrong < ENOUGH);
    report_count(
        wrong, 0,
        "a program's GS base at percpu0 + 0x%lx: instructions of %u at which a %s goes wrong",
        base - (u64)&percpu0, count, event_names[event]);
    task_free(task);
}

// As if another CPU's block lay at this place of percpu_blocks. Behind the array, for there is one CPU; the number
// of a CPU has 16 bits.
static void expect_block_by_number(void)
{
    static struct percpu *volatile other = (struct percpu *)KERNEL_BASE;
    struct strike run = strike_with((u64)&percpu0 + 8, 0, 0);
    u64 number = ((u64)&other - (u64)percpu_blocks) / sizeof(other);

    report(number <= 0xffff, "another block is near enough");
    cpu_number_set((unsigned)number);
    strike(&run, strike_take_and_give_back);
    cpu_number_set(0);
    report_equal(taken_gs, (u64)other, "GS base behind gs_take, on another CPU");
}

static void sweep_bases(enum gs_way way)
{
    static const long offsets[] = { 0, 8, -8, 1, PAGE_SIZE, -(long)PAGE_SIZE };
    struct strike run;

    if (gs_way_use(way) != 0)
        return;
    run = strike_with((u64)&percpu0 + 8, 0, 0);
    strike(&run, strike_take_and_give_back);
    report_equal(taken_gs, (u64)&percpu0, "GS base behind gs_take, with percpu0 + 8 there");
    expect_gs_back(&run, "gs_take and gs_give_back, percpu0 + 8");
    expect_block_by_number();
    for (unsigned i = 0; i < array_length(offsets); i++) {
        sweep_base((u64)&percpu0 + (u64)offsets[i], EVENT_NMI);
        if (i == 0)
            sweep_base((u64)&percpu0 + (u64)offsets[i], EVENT_DB);
    }
    msr_write(MSR_KERNEL_GS_BASE, 0); // the last program's is none that others have
    gs_way_use(GS_BY_SIGN);
}

TEST(by_lsl)
{
    if (has_fsgsbase())
        sweep_bases(GS_BY_LSL);
}

TEST(by_rdpid)
{
    if (gs_way_use(GS_BY_RDPID) != 0)
        skip("this CPU has no RDPID, or no FSGSBASE");
    else
        sweep_bases(GS_BY_RDPID);
}
