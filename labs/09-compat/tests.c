// Lab 09: system calls of 32-bit code, by every door that there is for them.

#include <arch/compat.h>
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <arch/vectors.h>
#include <entry/idt.h>
#include <kernel/compat_page.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/syscall32.h>
#include <kernel/test.h>
#include <kernel/test_program.h>
#include <kernel/test_registers.h>
#include <kernel/traps.h>

#include "programs.h"

enum { ENOUGH = 3, ROUNDS = 4 };
enum { GETPID = 20, CALL = 222 }; // CALL is a number that Linux has given to nobody

#define NOT_CANONICAL 0x8000000000000000ul
#define ODD_FLAGS     (RFLAGS_CF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID)
#define HARMFUL       (RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC)

static const char *const argument_names[SYSCALL32_ARGUMENTS] = { "ebx", "ecx", "edx",
                                                                 "esi", "edi", "ebp" };

// ---- programs -----------------------------------------------------------------------------------------

// A process with this program and random registers, or NULL with a complaint.
static struct task *program(const char *name, const struct flat *flat)
{
    struct task *task = test_program(process_new(name), flat);

    if (task)
        fill_registers(registers_of(task_regs(task)));
    return task;
}

// Stores 32 bits in a program's memory.
static void poke(struct task *task, u64 address, u64 value)
{
    space_switch(task->space);
    report_error(user_put32(address, (u32)value), 0, "a word at 0x%lx", address);
    space_switch(&kernel_space);
}

// The same in 32-bit code, with a stack that it can reach and the page, whose function is `way`.
static struct task *program_32(const char *name, const struct flat *flat, const char *way)
{
    struct task *task = program(name, flat);

    if (!task)
        return NULL;
    task_regs(task)->cs = USER32_CS;
    task_regs(task)->rsp = FLAT_DATA + FLAT_DATA_SIZE;
    task->user.ds = task->user.es = USER_DS;
    report_error(compat_page_map(task->space), 0, "the page of 32-bit programs");
    if (way)
        poke(task, FLAT_DATA, compat_page_address(way));
    return task;
}

// What was seen of a program: when it went on, at its call, at the INT3 behind.
static struct pt_regs sent, seen;
static unsigned stops;
static struct {
    unsigned count;
    struct syscall32 call;
    struct pt_regs regs, *place;
    u64 flags, gs, other_gs;
} heard;
static u64 answer;

static long hear(struct pt_regs *regs, const struct syscall32 *call)
{
    heard.count++;
    heard.call = *call;
    heard.regs = *regs;
    heard.place = regs;
    heard.flags = read_rflags();
    heard.gs = msr_read(MSR_GS_BASE);
    heard.other_gs = msr_read(MSR_KERNEL_GS_BASE);
    return (long)answer;
}

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    stops++;
    seen = *regs;
    task_stop();
}

// Lets the program run to its next INT3, or to its end: only then it returns false. Its calls are made by
// `tracer`, or if that is NULL by the kernel.
static bool run(struct task *task, syscall32_tracer *tracer)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, see);

    stops = 0;
    heard.count = 0;
    answer = test_pattern();
    sent = *task_regs(task);
    syscall32_tracer_now = tracer;
    task_run(task);
    syscall32_tracer_now = NULL;
    trap_set_handler(VECTOR_BP, before);
    return stops == 1;
}

// It has come to its INT3; if not, how it has ended.
static void expect_back(const struct task *task, bool back, const char *what)
{
    report(back, "%s: the program goes on behind its call (vector %u at 0x%lx, error code 0x%lx)",
           what, task->end.vector, task->end.regs.rip, task->end.error_code);
}

// ---- what is expected of every door -------------------------------------------------------------------

static void expect_arguments(const char *what)
{
    const u64 expected[] = { sent.rbx, sent.rcx, sent.rdx, sent.rsi, sent.rdi, sent.rbp };

    report_equal(heard.call.number, (u32)sent.rax, "%s: number", what);
    for (unsigned i = 0; i < SYSCALL32_ARGUMENTS; i++)
        report_equal(heard.call.arguments[i], (u32)expected[i], "%s: argument %u, %s", what, i + 1,
                     argument_names[i]);
}

static void expect_kernel(const struct task *task, const char *what)
{
    report_equal((u64)heard.place, (u64)task_regs(task), "%s: where struct pt_regs lies", what);
    report_equal(heard.gs, (u64)&percpu0, "%s: GS base in the kernel", what);
    report_equal(heard.flags & HARMFUL, 0, "%s: TF, DF, NT, AC in the kernel", what);
    report(heard.flags & RFLAGS_IF, "%s: interrupts are on during the call", what);
}

// Every register from the `first` on is as the program had it, but rax, which is `rax`.
static void expect_registers(const char *what, unsigned first, u64 rax)
{
    unsigned said = 0;

    report_equal(seen.rax, rax, "%s: rax afterwards", what);
    for (unsigned i = first; i < GENERAL_REGISTERS; i++)
        if (i != REGISTER_RAX && registers_of(&seen)[i] != registers_of(&sent)[i] &&
            said++ < ENOUGH)
            report_equal(registers_of(&seen)[i], registers_of(&sent)[i], "%s: %s afterwards", what,
                         register_names[i]);
    report_equal(seen.rsp, sent.rsp, "%s: rsp afterwards", what);
    report_equal(seen.cs, sent.cs, "%s: cs afterwards", what);
    report_equal(seen.ss, USER_DS, "%s: ss afterwards", what);
}

// Its number in the table of 64-bit code is another call's.
static void expect_getpid(struct task *task, const char *what)
{
    task_regs(task)->rax = GETPID;
    expect_back(task, run(task, NULL), what);
    report_equal((u32)seen.rax, (u64)task->process->id, "%s: its result", what);
}

// ---- the doors are open ----------------------------------------------------------------------------

TEST(opened)
{
    const struct gate *gate = &idt[VECTOR_INT80];
    u64 esp = msr_read(MSR_SYSENTER_ESP);

    report_place(gate->offset_15_0 | (u64)gate->offset_31_16 << 16 | (u64)gate->offset_63_32 << 32,
                 (u64)entry_int80, "where gate 0x80 leads to");
    report_equal(gate->selector, KERNEL_CS, "gate 0x80: selector");
    report_equal(gate->ist, IST_NONE, "gate 0x80: IST stack");
    report_equal(gate->attributes & 0xf, GATE_INTERRUPT, "gate 0x80: type");
    report_equal(gate->attributes >> 5 & 3, RING_USER, "gate 0x80: DPL");
    report_equal(gate->attributes & GATE_PRESENT, GATE_PRESENT, "gate 0x80: present");
    report_equal(msr_read(MSR_SYSENTER_CS), KERNEL_CS, "IA32_SYSENTER_CS");
    report_place(msr_read(MSR_SYSENTER_EIP), (u64)entry_sysenter, "IA32_SYSENTER_EIP");
    report(!esp || esp >= USER_END, "IA32_SYSENTER_ESP 0x%lx is no address of a program's", esp);
    report_place(msr_read(MSR_CSTAR), (u64)entry_syscall32, "IA32_CSTAR");
}

// ---- int 0x80 -----------------------------------------------------------------------------------------

// From code of either kind, again and again with other values in all registers.
static void expect_int80(struct task *task, const char *what)
{
    if (!task)
        return;
    task->user.gs_base = FLAT_DATA;
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool back = run(task, hear);

        report_count(heard.count, 1, "%s: calls that reach the kernel", what);
        expect_back(task, back, what);
        if (!back)
            break;
        expect_kernel(task, what);
        report_equal(heard.other_gs, FLAT_DATA, "%s: the other GS base in the kernel", what);
        expect_registers(what, 0, answer);
        report_equal(seen.rflags, sent.rflags, "%s: rflags afterwards", what);
        fill_registers(registers_of(task_regs(task)));
    }
    process_free(task);
}

TEST(int80_64)
{
    expect_int80(program("int80", &program_int80), "from 64-bit code");
}

TEST(int80_32)
{
    expect_int80(program_32("int80_32", &program_int80_32, NULL), "from 32-bit code");
}

TEST(arguments)
{
    struct task *task = program("int80", &program_int80);

    if (!task)
        return;
    run(task, hear);
    expect_arguments("int 0x80");
    process_free(task);
}

// Of eax 32 bits count, in i386's table; what that does not have is an error, and nothing else happens.
TEST(numbers)
{
    static const u64 unknown[] = { 0,          17,         222,        512,
                                   0x7fffffff, 0x80000000, 0xffffffff, 1ul << 32 | 17,
                                   UINT64_MAX };
    struct task *task = program("int80", &program_int80);

    if (!task)
        return;
    expect_getpid(task, "number 20");
    task_regs(task)->rax = 0xffffffff00000000 | GETPID;
    expect_back(task, run(task, NULL), "with bits above eax");
    report_equal(seen.rax, (u64)task->process->id, "getpid with bits above eax");
    for (size_t i = 0; i < array_length(unknown); i++) {
        fill_registers(registers_of(task_regs(task)));
        task_regs(task)->rax = unknown[i];
        report(run(task, NULL), "number 0x%lx: the program comes back", unknown[i]);
        expect_registers("an unknown number", 0, (u64)-ENOSYS);
    }
    process_free(task);
}

// ---- int 0x80, and a program that has prepared for it ---------------------------------------------------

enum { BEHIND_THE_NOP = 1 + 1 + 2 + 1 }; // bytes of PUSH, POPFQ, INT 0x80 and NOP

TEST(int80_flags)
{
    struct task *task = program("int80", &program_int80);

    if (!task)
        return;
    task_regs(task)->rflags |= ODD_FLAGS;
    expect_back(task, run(task, hear), "with DF, NT, AC and ID set");
    expect_kernel(task, "int 0x80");
    expect_registers("int 0x80", 0, answer);
    report_equal(seen.rflags & ODD_FLAGS, ODD_FLAGS, "CF, DF, NT, AC, ID afterwards");
    process_free(task);

    // A single step: the gate clears TF, IRETQ sets it, and one instruction later it strikes.
    task = program("int80 with TF", &program_int80_step);
    if (!task)
        return;
    task_regs(task)->rbx = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_TF;
    report(!run(task, hear), "with TF: the step ends the program");
    report_count(heard.count, 1, "with TF: calls that reach the kernel");
    expect_kernel(task, "with TF");
    report_equal(task->end.vector, VECTOR_DB, "with TF: by vector");
    report_equal(task->end.regs.rip, FLAT_CODE + BEHIND_THE_NOP, "with TF: behind the NOP");
    process_free(task);
}

TEST(int80_stack)
{
    static const u64 stacks[] = { 0, 8, 0xdead, USER_END - 1, NOT_CANONICAL, UINT64_MAX };
    struct task *task = program("int80", &program_int80);

    if (!task)
        return;
    for (size_t i = 0; i <= array_length(stacks); i++) {
        // The last one is the kernel's own stack.
        u64 rsp = i < array_length(stacks) ? stacks[i] : (u64)task->kernel_stack.top;

        task_regs(task)->rsp = rsp;
        report(run(task, hear), "with rsp 0x%lx: the program comes back", rsp);
        expect_kernel(task, "int 0x80");
        expect_registers("int 0x80", 0, answer);
    }
    process_free(task);
    task = program("odd segments", &program_odd_segments);
    if (!task)
        return;
    expect_back(task, run(task, hear), "with odd segments");
    expect_kernel(task, "with odd segments");
    report_equal(task->user.ds, USER_DS, "ds afterwards");
    report_equal(task->user.es, USER32_CS, "es afterwards");
    report_equal(task->user.fs, USER_CS, "fs afterwards");
    process_free(task);
}

// ---- SYSENTER and SYSCALL: what they have in common ------------------------------------------------------

// By the page's function, whose caller does not see what it does to registers; r8 and up are not 32-bit code's.
static void expect_way(const char *what, const char *way)
{
    struct task *task = program_32(what, &program_page, way);

    if (!task)
        return;
    task->user.gs_base = FLAT_DATA;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct pt_regs *regs = task_regs(task);
        bool back;

        regs->rbp = (u32)regs->rbp;
        regs->rcx = (u32)regs->rcx;
        regs->rdx = (u32)regs->rdx;
        back = run(task, hear);
        report_count(heard.count, 1, "%s: calls that reach the kernel", what);
        if (heard.count) {
            expect_arguments(what);
            expect_kernel(task, what);
            report_equal(heard.other_gs, FLAT_DATA, "%s: the other GS base in the kernel", what);
            report_equal(heard.regs.cs, USER32_CS, "%s: cs in the frame", what);
            report_equal(heard.regs.rip, compat_page_address(compat_page_landing),
                         "%s: rip in the frame, the landing pad", what);
        }
        expect_back(task, back, what);
        if (!back)
            break;
        fill_registers(registers_of(task_regs(task)));
    }
    process_free(task);
}

static void expect_way_registers(const char *what, const char *way)
{
    struct task *task = program_32(what, &program_page, way);
    struct pt_regs *regs;

    if (!task)
        return;
    regs = task_regs(task);
    regs->rbp = (u32)regs->rbp;
    regs->rcx = (u32)regs->rcx;
    regs->rdx = (u32)regs->rdx;
    expect_back(task, run(task, hear), what);
    sent.r15 = sent.r14 = sent.r13 = sent.r12 = 0;
    sent.r11 = sent.r10 = sent.r9 = sent.r8 = 0;
    expect_registers(what, 0, answer);
    process_free(task);
}

// The sixth argument lies where the program says, and it may say anything. It finds the error, and then the
// landing pad reads the same address.
static void expect_bad_stack(const char *what, const struct flat *flat, u32 stack)
{
    struct task *task = program_32(what, flat, NULL);
    u64 landing = compat_page_address(compat_page_landing);

    if (!task)
        return;
    task_regs(task)->rbp = 0xffffffff00000000 | stack;
    if (flat == &program_syscall)
        task_regs(task)->rsp = stack;
    report(!run(task, hear), "%s: a stack at 0x%x ends the program", what, stack);
    report_count(heard.count, 0, "%s: calls made without a sixth argument", what);
    report_equal(task->end.vector, VECTOR_PF, "%s: by vector", what);
    report_equal(task->end.regs.rip, landing, "%s: at the landing pad", what);
    report_equal(task->end.regs.rax, (u64)-EFAULT, "%s: eax there", what);
    process_free(task);
}

// The last word of the stack is one that can be read. The landing pad finds the end behind it.
static void expect_last_word(const char *what, const struct flat *flat)
{
    struct task *task = program_32(what, flat, NULL);

    if (!task)
        return;
    task_regs(task)->rbp = FLAT_DATA + FLAT_DATA_SIZE - sizeof(u32);
    if (flat == &program_syscall)
        task_regs(task)->rsp = FLAT_DATA + FLAT_DATA_SIZE - sizeof(u32);
    run(task, hear);
    report_count(heard.count, 1, "%s: a stack of one word: calls made with its sixth argument",
                 what);
    process_free(task);
}

static void expect_sixth(const char *what, const struct flat *flat)
{
    static const u32 stacks[] = { 0,          1,          FLAT_DATA - 2, FLAT_DATA + FLAT_DATA_SIZE,
                                  0x7fffffff, 0x80000000, 0xfffffffd,    0xffffffff };

    for (size_t i = 0; i < array_length(stacks); i++)
        expect_bad_stack(what, flat, stacks[i]);
    expect_last_word(what, flat);
}

// The program sets flags right before; they are gone in the kernel, and back behind it.
static void expect_flags(const char *what, const struct flat *flat, u64 flags)
{
    struct task *task = program_32(what, flat, NULL);

    if (!task)
        return;
    task_regs(task)->rbx = RFLAGS_FIXED | RFLAGS_IF | flags;
    expect_back(task, run(task, hear), what);
    report_count(heard.count, 1, "%s with flags 0x%lx: calls that reach the kernel", what, flags);
    expect_kernel(task, what);
    report_equal(seen.rflags & ODD_FLAGS, flags, "%s: CF, DF, NT, AC, ID afterwards", what);
    process_free(task);
}

// Steps of the kernel itself, outside the door, where TF is to be gone.
static unsigned steps_in_c;

static void see_step(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    steps_in_c += !(regs->cs & RPL_MASK) && !in_entry_text(regs->rip);
    do_debug(regs, error_code, vector);
}

// A single step: the kernel takes none; the program's next one is behind the first instruction of the landing pad.
static void expect_step(const char *what, const struct flat *flat)
{
    struct task *task = program_32(what, flat, NULL);
    trap_handler *before;

    if (!task)
        return;
    task_regs(task)->rbx = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_TF;
    steps_in_c = 0;
    before = trap_set_handler(VECTOR_DB, see_step);
    report(!run(task, hear), "%s with TF: the step ends the program", what);
    trap_set_handler(VECTOR_DB, before);
    report_count(steps_in_c, 0, "%s with TF: single steps of the kernel's C code", what);
    report_count(heard.count, 1, "%s with TF: calls that reach the kernel", what);
    expect_kernel(task, what);
    report_equal(task->end.vector, VECTOR_DB, "%s with TF: by vector", what);
    report_equal(task->end.regs.rip, compat_page_address(compat_page_landing) + 1,
                 "%s with TF: behind the landing pad's first instruction", what);
    report_equal(task->end.regs.rflags & RFLAGS_TF, RFLAGS_TF, "%s with TF: TF there", what);
    process_free(task);
}

// ---- SYSENTER -----------------------------------------------------------------------------------------

static bool no_sysenter(void)
{
    if (compat_door() == COMPAT_SYSENTER)
        return false;
    skip("this CPU has no SYSENTER in long mode");
    return true;
}

TEST(sysenter_call)
{
    if (!no_sysenter())
        expect_way("sysenter", compat_page_sysenter);
}

TEST(sysenter_registers)
{
    if (!no_sysenter())
        expect_way_registers("sysenter", compat_page_sysenter);
}

TEST(sysenter_sixth)
{
    if (!no_sysenter())
        expect_sixth("sysenter", &program_sysenter);
}

TEST(sysenter_flags)
{
    if (no_sysenter())
        return;
    expect_flags("sysenter", &program_sysenter_flags, ODD_FLAGS);
    expect_flags("sysenter", &program_sysenter_flags, RFLAGS_NT);
    expect_flags("sysenter", &program_sysenter_flags, RFLAGS_AC);
    expect_flags("sysenter", &program_sysenter_flags, RFLAGS_DF);
}

TEST(sysenter_step)
{
    if (!no_sysenter())
        expect_step("sysenter", &program_sysenter_flags);
}

// From 64-bit code, where all registers may have upper halves: 32-bit code it is that goes on.
TEST(sysenter_64)
{
    struct task *task =
        no_sysenter() ? NULL : program_32("sysenter_64", &program_sysenter_64, NULL);
    struct pt_regs *regs;

    if (!task)
        return;
    regs = task_regs(task);
    regs->cs = USER_CS;
    regs->rsp = NOT_CANONICAL;
    regs->rbp = 0xffffffff00000000 | (FLAT_DATA + PAGE_SIZE);
    poke(task, FLAT_DATA + PAGE_SIZE, 0x51c7);
    run(task, hear);
    sent.rbp = 0x51c7;
    expect_arguments("sysenter from 64-bit code");
    expect_kernel(task, "sysenter from 64-bit code");
    report_equal(heard.regs.rsp, FLAT_DATA + PAGE_SIZE, "esp in the frame");
    report_equal(heard.regs.cs, USER32_CS, "cs in the frame");
    report_equal(heard.regs.ss, USER_DS, "ss in the frame");
    process_free(task);
}

// ---- SYSCALL from 32-bit code ---------------------------------------------------------------------------

static bool no_syscall(void)
{
    if (compat_door() == COMPAT_SYSCALL)
        return false;
    skip("this CPU has no SYSCALL in 32-bit code");
    return true;
}

TEST(syscall32_call)
{
    if (!no_syscall())
        expect_way("syscall", compat_page_syscall);
}

TEST(syscall32_registers)
{
    if (!no_syscall())
        expect_way_registers("syscall", compat_page_syscall);
}

TEST(syscall32_sixth)
{
    if (!no_syscall())
        expect_sixth("syscall", &program_syscall);
}

TEST(syscall32_flags)
{
    if (no_syscall())
        return;
    expect_flags("syscall", &program_syscall_flags, ODD_FLAGS);
    expect_step("syscall", &program_syscall_flags);
}

// ---- what a CPU does not have ----------------------------------------------------------------------------

TEST(no_syscall32)
{
    struct task *task;

    if (compat_door() == COMPAT_SYSCALL) {
        skip("this CPU has it");
        return;
    }
    task = program_32("syscall", &program_syscall, NULL);
    if (!task)
        return;
    run(task, hear);
    report_count(heard.count, 0, "calls that reach the kernel");
    report_equal(task->end.vector, VECTOR_UD, "the program ends by vector");
    process_free(task);
}
