// Lab 08: system calls by SYSCALL, and both ways back.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <arch/vectors.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <entry/syscall_door.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/test.h>
#include <kernel/test_program.h>
#include <kernel/test_registers.h>
#include <kernel/time.h>
#include <kernel/traps.h>

#include "programs.h"
#include "triggers.h"

enum { ENOUGH = 3, SYSCALL_LENGTH = 2, INT3_LENGTH = 1 };
enum { GETPID = 39, EXIT = 60, GETPPID = 110, NO_CALL = 0x7fff0000 }; // Linux's numbers

#define BEHIND        (FLAT_CODE + SYSCALL_LENGTH) // the SYSCALL of program_call
#define USER_GS       0x00007654321f0000ul         // a base that no program has by itself
#define NOT_CANONICAL 0x8000000000000000ul
#define MASKED        (RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF)
#define ARITHMETIC    (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define PLAIN         (RFLAGS_FIXED | RFLAGS_IF)

// A process with this program, or NULL with a complaint; random values in its registers.
static struct task *program(const char *name, const struct flat *flat)
{
    struct task *task = test_program(process_new(name), flat);

    if (!task)
        return NULL;
    fill_registers(registers_of(task_regs(task)));
    task->user.gs_base = USER_GS;
    return task;
}

// ---- what is seen -------------------------------------------------------------------------------------

static struct seen {
    unsigned count;
    struct pt_regs regs, *place;
    u64 stack, gs, other_gs, flags;
} seen, in_call; // at an exception of the program's, and in a call

static struct pt_regs sent; // what the program had when it was last let go

static void look(struct seen *at, struct pt_regs *regs)
{
    *at = (struct seen){
        .count = at->count + 1,
        .regs = *regs,
        .place = regs,
        .stack = (u64)__builtin_frame_address(0),
        .gs = msr_read(MSR_GS_BASE),
        .other_gs = msr_read(MSR_KERNEL_GS_BASE),
        .flags = read_rflags(),
    };
}

static void stop_there(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    look(&seen, regs);
    task_stop();
}

// Lets the program run until it raises `vector`, which is its end for now. In each of its calls `tracer` is
// called in place of the kernel's function, if it is not NULL.
static void run(struct task *task, unsigned vector, syscall_tracer *tracer)
{
    trap_handler *before = trap_set_handler(vector, stop_there);
    syscall_tracer *traced = syscall_tracer_now;

    seen = in_call = (struct seen){ 0 };
    sent = *task_regs(task);
    if (tracer)
        syscall_tracer_now = tracer;
    task_run(task);
    syscall_tracer_now = traced;
    trap_set_handler(vector, before);
}

// All registers but those that a call changes are as they were sent.
static void expect_registers(struct seen at, const char *what)
{
    unsigned said = 0;

    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (i != REGISTER_RAX && i != REGISTER_RCX && i != REGISTER_R11 &&
            registers_of(&at.regs)[i] != registers_of(&sent)[i] && said++ < ENOUGH)
            report_equal(registers_of(&at.regs)[i], registers_of(&sent)[i], "%s: %s", what,
                         register_names[i]);
}

// ---- the functions by themselves ------------------------------------------------------------------------

TEST_BEFORE(INIT_TASKS, star)
{
    u64 value = syscall_star();

    report_equal(value >> 32 & 0xffff, KERNEL_CS, "STAR[47:32], CS at SYSCALL");
    report_equal((value >> 48) + 16, USER_CS, "STAR[63:48] + 16, CS at SYSRET");
    report_equal((value >> 48) + 8, USER_DS, "STAR[63:48] + 8, SS at SYSRET");
    report_equal(value & 0xffffffff, 0, "STAR[31:0], the way in from 32-bit systems");
}

TEST_BEFORE(INIT_TASKS, mask)
{
    static const struct {
        u64 flag;
        const char *name;
    } needed[] = {
        { RFLAGS_IF, "IF" }, { RFLAGS_TF, "TF" }, { RFLAGS_DF, "DF" },
        { RFLAGS_NT, "NT" }, { RFLAGS_AC, "AC" }, { RFLAGS_RF, "RF" },
    };
    u64 value = syscall_mask();

    for (size_t i = 0; i < array_length(needed); i++)
        report(value & needed[i].flag, "FMASK clears %s", needed[i].name);
    report(!(value & RFLAGS_FIXED), "FMASK leaves bit 1, which is always set");
    report_equal(value >> 32, 0, "the upper half of FMASK, which is reserved");
}

TEST_BEFORE(INIT_TASKS, number)
{
    static const u32 numbers[] = { 0, GETPPID, 0x7fffffff, 0x80000000, 0xffffffff };
    struct pt_regs regs;

    for (size_t i = 0; i < array_length(numbers); i++) {
        fill_registers(registers_of(&regs));
        regs.orig_rax = numbers[i];
        report_equal(syscall_number(&regs), numbers[i], "the number, orig_rax being 0x%lx",
                     regs.orig_rax);
        regs.orig_rax |= test_pattern() << 32;
        report_equal(syscall_number(&regs), numbers[i], "the number, orig_rax being 0x%lx",
                     regs.orig_rax);
    }
}

// The name of the register that has this value, or NULL.
static const char *register_of(struct pt_regs *regs, u64 value)
{
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (registers_of(regs)[i] == value)
            return register_names[i];
    return NULL;
}

TEST_BEFORE(INIT_TASKS, arguments)
{
    static const unsigned from[] = { 14, 13, 12, 7, 9, 8 };
    struct pt_regs regs;

    fill_registers(registers_of(&regs));
    regs.orig_rax = test_pattern();
    for (unsigned n = 0; n < array_length(from); n++) {
        u64 got = syscall_argument(&regs, n);
        const char *other = register_of(&regs, got);

        if (other && other != register_names[from[n]])
            report(false, "argument %u comes from %s, and not from %s", n, register_names[from[n]],
                   other);
        else
            report_equal(got, registers_of(&regs)[from[n]], "argument %u, from %s", n,
                         register_names[from[n]]);
    }
}

TEST(door)
{
    report(msr_read(MSR_EFER) & EFER_SCE, "EFER.SCE: SYSCALL is an instruction");
    report_place(msr_read(MSR_LSTAR), (u64)entry_syscall, "LSTAR, where it leads to");
    report_place(msr_read(MSR_CSTAR), (u64)ignore_syscall32, "CSTAR, from 32-bit code");
    report_equal(msr_read(MSR_STAR), syscall_star(), "STAR");
    report_equal(msr_read(MSR_FMASK), syscall_mask(), "FMASK");
}

// ---- in ---------------------------------------------------------------------------------------------------

static long stay(struct pt_regs *regs)
{
    look(&in_call, regs);
    task_stop();
}

// Into a call, which does not return: so nothing of the way out is needed.
TEST(enters)
{
    struct task *task = program("call", &program_call);

    if (!task)
        return;
    run(task, VECTOR_BP, stay);
    report_count(in_call.count, 1, "system calls of the program");
    expect_registers(in_call, "in the call");
    report_equal(in_call.regs.orig_rax, sent.rax, "orig_rax, which has the number");
    report_equal(in_call.regs.rip, BEHIND, "rip");
    report_equal(in_call.regs.cs, USER_CS, "cs");
    report_equal(in_call.regs.rflags, sent.rflags, "rflags");
    report_equal(in_call.regs.rsp, sent.rsp, "rsp");
    report_equal(in_call.regs.ss, USER_DS, "ss");
    report_equal(in_call.regs.rcx, BEHIND, "rcx, where SYSCALL keeps rip");
    report_equal(in_call.regs.r11, sent.rflags, "r11, where SYSCALL keeps rflags");
    report_equal((u64)in_call.place, (u64)task_regs(task), "where struct pt_regs lies");
    report(in_call.stack < (u64)in_call.place && in_call.stack >= (u64)task->kernel_stack.low,
           "the call runs below it on the task's stack");
    report_equal(in_call.gs, (u64)&percpu0, "GS base in the call");
    report_equal(in_call.other_gs, USER_GS, "the other GS base in the call");
    report(in_call.flags & RFLAGS_IF, "interrupts are on in the call");
    process_free(task);
}

// ---- out, where SYSRET is not the same ----------------------------------------------------------------------

// From now on the IRETQ of to_user is counted.
static struct gate debug_gate;

static void watch_iretq(bool on)
{
    extern const char to_user_iretq[] asm("to_user.iretq");
    struct gate *gate = &idt[VECTOR_DB];

    if (!on) {
        breakpoint_clear();
        *gate = debug_gate;
        return;
    }
    debug_gate = *gate;
    count_debug_else =
        gate->offset_15_0 | (u64)gate->offset_31_16 << 16 | (u64)gate->offset_63_32 << 32;
    *gate = gate_make((u64)count_debug, debug_gate.ist & 7, GATE_INTERRUPT, RING_KERNEL);
    count_debug_hits = 0;
    breakpoint_set((u64)to_user_iretq);
}

// What a call may change in its program's registers, so that it does not go on as SYSRET would have it.
struct change {
    const char *name;
    void (*make)(struct pt_regs *regs);
};

static const struct change *change;
static struct pt_regs wanted; // what the program is to go on with

static long make_change(struct pt_regs *regs)
{
    long result = (long)test_pattern();

    look(&in_call, regs);
    change->make(regs);
    wanted = *regs;
    wanted.rax = (u64)result;
    watch_iretq(true);
    return result;
}

// Runs program_call through the change, up to the INT3 behind its SYSCALL. Returns how often to_user's IRETQ was
// executed.
static u64 run_changed(struct task *task)
{
    run(task, VECTOR_BP, make_change);
    watch_iretq(false);
    return count_debug_hits;
}

static void expect_wanted(void)
{
    unsigned said = 0;

    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (registers_of(&seen.regs)[i] != registers_of(&wanted)[i] && said++ < ENOUGH)
            report_equal(registers_of(&seen.regs)[i], registers_of(&wanted)[i], "%s: %s",
                         change->name, register_names[i]);
    report_equal(seen.regs.rip, wanted.rip + INT3_LENGTH, "%s: rip", change->name);
    report_equal(seen.regs.cs, wanted.cs, "%s: cs", change->name);
    report_equal(seen.regs.rflags & ~RFLAGS_RF, wanted.rflags, "%s: rflags", change->name);
    report_equal(seen.regs.rsp, wanted.rsp, "%s: rsp", change->name);
    report_equal(seen.regs.ss, wanted.ss, "%s: ss", change->name);
}

#define OTHER_DATA 0x53ul // a descriptor that the GDT has free

static void change_nothing(struct pt_regs *regs)
{
    (void)regs;
}

// All that SYSRET has no opinion of.
static void change_registers(struct pt_regs *regs)
{
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (i != REGISTER_R11 && i != REGISTER_RCX)
            registers_of(regs)[i] = test_pattern();
    regs->rsp = FLAT_DATA;
}

static void change_rcx(struct pt_regs *regs)
{
    regs->rcx = FLAT_CODE + 4 * SYSCALL_LENGTH;
}

// Who compares 32 bits does not see it.
static void change_rcx_above(struct pt_regs *regs)
{
    regs->rcx |= 1ul << 32;
}

static void change_r11(struct pt_regs *regs)
{
    regs->r11 |= ARITHMETIC | RFLAGS_ID;
}

static void change_rip(struct pt_regs *regs)
{
    regs->rip = FLAT_CODE + 4 * SYSCALL_LENGTH;
}

static void change_rflags(struct pt_regs *regs)
{
    regs->rflags |= ARITHMETIC | RFLAGS_DF | RFLAGS_ID;
}

static void change_cs(struct pt_regs *regs)
{
    regs->cs = USER32_CS;
    regs->rsp = FLAT_DATA + FLAT_DATA_SIZE; // one that 32-bit code can have
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (i != REGISTER_R11 && i != REGISTER_RCX)
            registers_of(regs)[i] = (u32)registers_of(regs)[i];
}

static void change_ss(struct pt_regs *regs)
{
    regs->ss = OTHER_DATA;
}

// All that SYSRET would not do: it must be IRETQ, and the program finds what the call has left.
TEST(by_iretq)
{
    static const struct change changes[] = {
        { "another rcx", change_rcx },
        { "another r11", change_r11 },
        { "another rip", change_rip },
        { "other flags", change_rflags },
        { "cs of 32-bit code", change_cs },
        { "another ss", change_ss },
        { "rcx with bit 32 set", change_rcx_above },
    };
    u64 *descriptor = &this_cpu()->gdt[OTHER_DATA / 8];

    *descriptor = segment_make(SEGMENT_DATA | SEGMENT_32 | SEGMENT_USER);
    for (size_t i = 0; i < array_length(changes); i++) {
        struct task *task = program("call", &program_call);
        u64 times;

        if (!task)
            return;
        change = &changes[i];
        times = run_changed(task);
        report_count(seen.count, 1, "%s: the program goes on and comes to its INT3", change->name);
        if (seen.count)
            expect_wanted();
        report_count(times, 1, "%s: how often by IRETQ", change->name);
        process_free(task);
    }
    *descriptor = 0;
}

static long set_trap_flag(struct pt_regs *regs)
{
    regs->rflags |= RFLAGS_TF;
    regs->r11 |= RFLAGS_TF;
    watch_iretq(true);
    return 0;
}

static long set_resume_flag(struct pt_regs *regs)
{
    regs->rflags |= RFLAGS_RF;
    regs->r11 |= RFLAGS_RF;
    breakpoint_set(BEHIND);
    return 0;
}

// There is one breakpoint only.
static long set_resume_flag_and_watch(struct pt_regs *regs)
{
    set_resume_flag(regs);
    watch_iretq(true);
    return 0;
}

// TF and RF mean something else behind SYSRET than behind IRETQ, even if r11 has them too.
TEST(trap_and_resume)
{
    struct task *task = program("nops", &program_nops);

    if (!task)
        return;
    run(task, VECTOR_DB, set_trap_flag);
    watch_iretq(false);
    report_count(seen.count, 1, "TF: a #DB in the program");
    report_equal(seen.regs.rip, BEHIND + 1, "TF: rip at the #DB, behind one instruction");
    report_count(count_debug_hits, 1, "TF: how often by IRETQ");
    process_free(task);

    task = program("nops", &program_nops);
    if (!task)
        return;
    run(task, VECTOR_BP, set_resume_flag);
    breakpoint_clear();
    report_count(seen.count, 1, "RF: the program passes over a breakpoint behind its SYSCALL");
    process_free(task);

    task = program("nops", &program_nops);
    if (!task)
        return;
    run(task, VECTOR_BP, set_resume_flag_and_watch);
    watch_iretq(false);
    report_count(count_debug_hits, 1, "RF: how often by IRETQ");
    process_free(task);
}

// SYSCALL as the last instruction below the middle of the address space: what follows is not canonical.
static int fill_last_page(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    memset(memory, 0x90, PAGE_SIZE); // NOP
    memcpy((char *)memory + PAGE_SIZE - SYSCALL_LENGTH, program_call.start, SYSCALL_LENGTH);
    return 0;
}

static void leave_canonical(struct pt_regs *regs)
{
    regs->rip = regs->rcx = NOT_CANONICAL;
}

static long watched_call(struct pt_regs *regs)
{
    watch_iretq(true);
    return syscall_call(regs);
}

TEST(not_canonical)
{
    static const struct region last_page = {
        .start = USER_END - PAGE_SIZE,
        .end = USER_END,
        .rights = ACCESS_USER | ACCESS_READ | ACCESS_EXECUTE,
        .fill = fill_last_page,
    };
    static const struct change leave = { "rip is not canonical", leave_canonical };
    struct task *task = program("call", &program_call);

    if (!task)
        return;
    change = &leave;
    run(task, VECTOR_GP, make_change);
    watch_iretq(false);
    report_count(seen.count, 1, "%s: #GP of the program's", leave.name);
    report_equal(seen.regs.rip, NOT_CANONICAL, "%s: rip at the #GP", leave.name);
    report_equal(seen.regs.rsp, FLAT_STACK, "%s: rsp", leave.name);
    report_count(count_debug_hits, 1, "%s: how often by IRETQ", leave.name);
    process_free(task);

    task = program("call", &program_call);
    if (!task)
        return;
    report_error(region_add(task->space, &last_page), 0, "the last page of the lower half");
    task_regs(task)->rip = USER_END - SYSCALL_LENGTH;
    task_regs(task)->rax = GETPPID;
    run(task, VECTOR_GP, watched_call);
    watch_iretq(false);
    report_count(seen.count, 1, "SYSCALL at the end of the lower half: #GP of the program's");
    report_equal(seen.regs.rip, USER_END, "SYSCALL at the end of the lower half: rip");
    report_count(count_debug_hits, 1, "SYSCALL at the end of the lower half: how often by IRETQ");
    report_equal(seen.gs, (u64)&percpu0,
                 "SYSCALL at the end of the lower half: GS base in the handler");
    process_free(task);
}

// ---- out by SYSRET ----------------------------------------------------------------------------------------

TEST(returns)
{
    enum { ROUNDS = 64 };
    struct task *task = program("call", &program_call);

    if (!task)
        return;
    for (unsigned i = 0; i < ROUNDS; i++) {
        fill_registers(registers_of(task_regs(task)));
        task_regs(task)->rip = FLAT_CODE;
        task_regs(task)->rsp = i ? test_pattern() : FLAT_STACK;
        task_regs(task)->rax = GETPPID | (u64)test_pattern() << 32;
        run(task, VECTOR_BP, NULL);
        if (seen.count != 1 || seen.regs.rax != (u64)task->process->parent)
            break;
        expect_registers(seen, "behind SYSCALL");
        report_equal(seen.regs.rsp, sent.rsp, "rsp");
    }
    report_count(seen.count, 1, "the program goes on and comes to its INT3");
    report_count(seen.regs.rax, (u64)task->process->parent, "rax, the result of getppid");
    report_equal(seen.regs.rip, BEHIND + INT3_LENGTH, "rip");
    report_equal(seen.regs.cs, USER_CS, "cs");
    report_equal(seen.regs.ss, USER_DS, "ss");
    report_equal(seen.regs.rflags & ~RFLAGS_RF, PLAIN, "rflags");
    report_equal(seen.regs.rcx, BEHIND, "rcx, as SYSCALL has left it");
    report_equal(seen.regs.r11, PLAIN, "r11, as SYSCALL has left it");
    report_equal(seen.other_gs, USER_GS, "the program's GS base");
    report_equal(seen.gs, (u64)&percpu0, "GS base in the next exception's handler");
    process_free(task);
}

// The instruction itself, anywhere in the entry code: an IRETQ at the end of leave_by_sysret would pass all else.
static bool sysret_is_there(void)
{
    static const u8 o64_sysret[] = { 0x48, 0x0f, 0x07 };

    for (u64 at = (u64)entry_text_start; at <= (u64)entry_text_end - sizeof(o64_sysret); at++)
        if (memcmp((const void *)at, o64_sysret, sizeof(o64_sysret)) == 0)
            return true;
    return false;
}

TEST(by_sysret)
{
    static const struct change changes[] = {
        { "nothing changed", change_nothing },
        { "other registers", change_registers },
    };

    report(sysret_is_there(), "SYSRET with REX.W is an instruction of the entry code");
    for (size_t i = 0; i < array_length(changes); i++) {
        struct task *task = program("call", &program_call);
        u64 times;

        if (!task)
            return;
        change = &changes[i];
        times = run_changed(task);
        report_count(seen.count, 1, "%s: the program goes on and comes to its INT3", change->name);
        if (seen.count)
            expect_wanted();
        report_count(times, 0, "%s: how often by IRETQ, though SYSRET does the same", change->name);
        process_free(task);
    }
}

// ---- what a program may do at the moment of SYSCALL -------------------------------------------------------------

static void resume_behind_ud2(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    regs->rip += 2;
}

// An exception of the kernel's inside the call: with NT set, its IRETQ would be #GP.
static long exception_inside(struct pt_regs *regs)
{
    trap_handler *before = trap_set_handler(VECTOR_UD, resume_behind_ud2);

    look(&in_call, regs);
    if (!(in_call.flags & MASKED))
        asm volatile("ud2");
    trap_set_handler(VECTOR_UD, before);
    return 0;
}

static void flags_at_syscall(u64 flags, const char *name)
{
    struct task *task = program("flags", &program_flags);

    if (!task)
        return;
    task_regs(task)->rsi = PLAIN | flags;
    run(task, VECTOR_BP, exception_inside);
    report_equal(in_call.regs.rflags, PLAIN | flags, "%s: rflags of the program, in the call",
                 name);
    report_equal(in_call.flags & MASKED, 0, "%s: those in the kernel", name);
    report_equal(seen.regs.rflags & ~RFLAGS_RF, PLAIN | flags, "%s: rflags behind SYSCALL", name);
    process_free(task);
}

TEST(flags)
{
    flags_at_syscall(RFLAGS_DF, "DF");
    flags_at_syscall(RFLAGS_NT, "NT");
    flags_at_syscall(RFLAGS_AC, "AC");
    flags_at_syscall(ARITHMETIC | RFLAGS_ID | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC, "all");
}

// Over SYSCALL: no #DB in the kernel, the next one behind the NOP.
TEST(single_step)
{
    struct task *task = program("steps", &program_steps);

    if (!task)
        return;
    task_regs(task)->rax = GETPPID;
    run(task, VECTOR_DB, NULL);
    report_count(seen.count, 1, "a #DB of the program's");
    report_equal(seen.regs.cs, USER_CS, "cs at the #DB");
    report_count(seen.regs.rax, (u64)task->process->parent, "rax, the result of getppid");
    report_equal(seen.regs.rip, seen.regs.rcx + 1, "rip at the #DB, behind one more instruction");
    process_free(task);
}

TEST(any_stack)
{
    static const u64 stacks[] = { 0, 8, 0x123, NOT_CANONICAL, USER_END, KERNEL_BASE, ~0ul, 0 };

    for (size_t i = 0; i < array_length(stacks); i++) {
        struct task *task = program("stack", &program_stack);
        u64 rsp = stacks[i];

        if (!task)
            return;
        if (i + 1 == array_length(stacks))
            rsp = (u64)this_cpu()->tss.rsp[0] - 64; // a kernel stack
        task_regs(task)->rbp = rsp;
        task_regs(task)->rax = GETPPID;
        run(task, VECTOR_BP, NULL);
        report_count(seen.count, 1, "rsp 0x%lx: the program comes to its INT3", rsp);
        report_count(seen.regs.rax, (u64)task->process->parent, "rsp 0x%lx: result", rsp);
        report_equal(seen.regs.rsp, rsp, "rsp 0x%lx: rsp behind SYSCALL", rsp);
        process_free(task);
    }
}

// ---- numbers ----------------------------------------------------------------------------------------------

// Runs `count` calls with the numbers from `first` up, upper half included.
static void expect_no_calls(u64 first, u64 count)
{
    struct task *task = program("numbers", &program_numbers);
    struct pt_regs *regs;

    if (!task)
        return;
    regs = task_regs(task);
    regs->rbx = first;
    regs->rbp = count;
    regs->r13 = 0;
    regs->r14 = (u64)-ENOSYS;
    run(task, VECTOR_BP, NULL);
    report_count(seen.count, 1, "the program comes to its INT3");
    report_count(seen.regs.r13, 0, "calls from 0x%lx to 0x%lx that do not return -ENOSYS", first,
                 first + count - 1);
    if (seen.regs.r13)
        report_equal(seen.regs.r15, 0, "the last such number, which has no call");
    process_free(task);
}

TEST(unknown)
{
    enum { MANY = 300 };

    expect_no_calls(600, MANY);
    expect_no_calls(0x40000000, MANY); // where Linux had its x32
    expect_no_calls(0x80000000, MANY);
    expect_no_calls(0xffffffff - MANY, MANY);
    expect_no_calls(-(u64)MANY, MANY);
    expect_no_calls((u64)test_pattern() << 32 | 0x7fffff00, MANY);
}

// ---- arguments that lead nowhere -----------------------------------------------------------------------------

#define BAD ((u64)-1) // in a row: the address that is tried

// Calls that are to read or write at an address which is no good.
static const struct bad_call {
    const char *name;
    u64 number, arguments[4];
} bad_calls[] = {
    { "read", 0, { 0, BAD, 8 } },
    { "write", 1, { 1, BAD, 8 } },
    { "open", 2, { BAD, 0 } },
    { "stat", 4, { BAD, FLAT_DATA } },
    { "fstat", 5, { 1, BAD } },
    { "rt_sigaction, new", 13, { 10, BAD, 0, 8 } },
    { "rt_sigaction, old", 13, { 10, 0, BAD, 8 } },
    { "rt_sigprocmask", 14, { 0, BAD, 0, 8 } },
    { "readv", 19, { 0, BAD, 1 } },
    { "writev", 20, { 1, BAD, 1 } },
    { "nanosleep", 35, { BAD, 0 } },
    { "uname", 63, { BAD } },
    { "getcwd", 79, { BAD, 64 } },
    { "gettimeofday", 96, { BAD, 0 } },
    { "clock_gettime", 228, { 0, BAD } },
    { "openat", 257, { (u32)-100, BAD, 0 } },
    { "prlimit64", 302, { 0, 3, 0, BAD } },
    { "getrandom", 318, { BAD, 8, 0 } },
};

static void make_bad_call(struct task *task, const struct bad_call *call, u64 bad)
{
    struct pt_regs *regs = task_regs(task);
    u64 *const arguments[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10 };

    fill_registers(registers_of(regs));
    for (size_t i = 0; i < array_length(arguments); i++)
        *arguments[i] = call->arguments[i] == BAD ? bad : call->arguments[i];
    regs->rax = call->number;
    regs->rip = FLAT_CODE;
    run(task, VECTOR_BP, NULL);
    report_count(seen.count, 1, "%s(0x%lx): the program comes to its INT3", call->name, bad);
    report_error(seen.regs.rax, -EFAULT, "%s(0x%lx)", call->name, bad);
    expect_registers(seen, call->name);
}

TEST(bad_pointers)
{
    const u64 bad[] = { 8, USER_END - 4, USER_END, NOT_CANONICAL, (u64)&seen, ~0ul - 7 };
    struct task *task = program("call", &program_call);
    struct file *file = capture_new("something to read", 17, 64);
    size_t size;
    bool lost;

    if (!task || !file)
        return;
    for (unsigned fd = 0; fd < 2; fd++) {
        file->users++;
        files_set(task->process->files, fd, file, false);
    }
    for (size_t i = 0; i < array_length(bad_calls); i++)
        for (size_t j = 0; j < array_length(bad); j++)
            make_bad_call(task, &bad_calls[i], bad[j]);
    capture_text(file, &size, &lost);
    report_count(size, 0, "bytes that were written all the same");
    process_free(task);
    file_put(file);
}

// ---- a program in C --------------------------------------------------------------------------------------------

TEST(real_program)
{
    static const char *const argv[] = { "hello", "two words", NULL }, *const envp[] = { NULL };
    static const char expected[] = "Hello from ring 3! I am hello, called with two words.\n";
    struct task *task = process_new("hello");
    struct file *file = capture_new("", 0, 256);
    const char *text;
    size_t size;
    bool lost;
    int error;

    if (!task || !file)
        return;
    file->users++;
    files_set(task->process->files, 1, file, false);
    error = process_exec(task, "/bin/hello", argv, envp);
    report_error(error, 0, "exec of /bin/hello");
    if (error)
        return;
    task_run(task);
    report(task->end.exited, "the program ends by exit");
    report_count(task->end.status, 0, "its status");
    text = capture_text(file, &size, &lost);
    report(size == sizeof(expected) - 1 && !memcmp(text, expected, size), "it prints \"%.*s\"",
           (int)sizeof(expected) - 2, expected);
    process_free(task);
    file_put(file);
}

// ---- interrupts -------------------------------------------------------------------------------------------

static struct timer timer;
static u64 expirations, in_entry_code, gap;
static trap_handler *timer_handler;

// Before the kernel's handler of the timer's interrupt: no way in or out may be interrupted.
static void look_where(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    in_entry_code += !(regs->cs & RPL_MASK) && in_entry_text(regs->rip);
    timer_handler(regs, error_code, vector);
}

// Again, each time after another while, so that it comes to strike wherever it can.
static void strike_again(struct timer *expired)
{
    expirations++;
    gap += 64 + test_random() % 64;
    timer_start(expired, time_after(400 * MICROSECOND + gap % (100 * MICROSECOND)), strike_again);
}

TEST(many)
{
    enum { CALLS = 20000, OFTEN = 100 };
    struct task *task = program("many", &program_many);
    struct pt_regs *regs;
    trap_handler *before;

    if (!task)
        return;
    regs = task_regs(task);
    regs->rsp = FLAT_STACK;
    regs->rbx = CALLS;
    regs->r12 = GETPPID;
    regs->r13 = 0;
    regs->r14 = (u64)task->process->parent;
    expirations = in_entry_code = gap = 0;
    before = trap_set_handler(VECTOR_TIMER, look_where);
    timer_handler = before ? before : vectors[VECTOR_TIMER].handler;
    timer_start(&timer, time_after(400 * MICROSECOND), strike_again);
    run(task, VECTOR_BP, NULL);
    timer_stop(&timer);
    trap_set_handler(VECTOR_TIMER, before);
    report_count(seen.count, 1, "the program comes to its INT3");
    report_count(seen.regs.r13, 0, "calls with a wrong result or a changed register");
    report(expirations > OFTEN, "the timer has interrupted it, often (%lu times)", expirations);
    report_count(in_entry_code, 0, "interrupts that came in the middle of entry code");
    process_free(task);
}

// ---- SYSCALL in 32-bit code ---------------------------------------------------------------------------------

// On Intel's CPUs it is #UD; on AMD's it leads to CSTAR.
TEST(from_32_bits)
{
    struct task *task = program("32", &program_32);

    if (!task)
        return;
    task_regs(task)->rsi = FLAT_DATA + FLAT_DATA_SIZE;
    task_regs(task)->rax = GETPPID;
    run(task, VECTOR_BP, NULL);
    if (seen.count)
        report_equal(seen.regs.rax, (u32)-ENOSYS, "eax");
    else
        report_count(task->end.vector, VECTOR_UD, "the vector by which the program ends");
    process_free(task);
}
