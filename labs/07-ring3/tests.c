// Lab 07: into ring 3 and back, and whatever a program does there.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <cpu/gdt.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/demand.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/test_program.h>
#include <kernel/test_registers.h>
#include <kernel/time.h>
#include <kernel/traps.h>

#include "triggers.h"

enum { ENOUGH = 3 };

#define NOT_CANONICAL 0x8000000000000000ul
#define USER_GS       0x00007654321f0000ul // bases that no program has by itself
#define USER_FS       0x00001234567f0000ul

// ---- programs ---------------------------------------------------------------------------------------

// A task with this program, or NULL with a complaint. rdi and rsi point to memory of its own.
static struct task *program(const char *name, const struct flat *flat)
{
    struct task *task = test_program(task_new(name), flat);

    if (!task)
        return NULL;
    task_regs(task)->rdi = FLAT_DATA;
    task_regs(task)->rsi = FLAT_DATA + FLAT_DATA_SIZE;
    return task;
}

// What a handler saw of a program.
static struct seen {
    unsigned count;
    struct pt_regs regs, *place;
    u64 error_code, stack, gs, other_gs, flags;
} seen;

static void (*then)(struct pt_regs *regs);

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)vector;
    seen = (struct seen){
        .count = seen.count + 1,
        .regs = *regs,
        .place = regs,
        .error_code = error_code,
        .stack = (u64)__builtin_frame_address(0),
        .gs = msr_read(MSR_GS_BASE),
        .other_gs = msr_read(MSR_KERNEL_GS_BASE),
        .flags = read_rflags(),
    };
    then(regs);
}

static void stop(struct pt_regs *regs)
{
    (void)regs;
    task_stop();
}

// Runs the task; `vector` goes to see(), and from there to `next`.
static void run(struct task *task, unsigned vector, void (*next)(struct pt_regs *regs))
{
    trap_handler *before = trap_set_handler(vector, see);

    then = next;
    seen = (struct seen){ 0 };
    task_run(task);
    trap_set_handler(vector, before);
}

// Runs a program of its own, to its end; returns how it ended.
static struct task_end run_to_end(const char *name, const struct flat *flat, u64 rdi)
{
    struct task *task = program(name, flat);
    struct task_end end = { 0 };

    if (!task)
        return end;
    if (rdi)
        task_regs(task)->rdi = rdi;
    task_run(task);
    end = task->end;
    task_free(task);
    return end;
}

// ---- the first frame --------------------------------------------------------------------------------

TEST(first_frame)
{
    struct pt_regs regs;
    u64 rip = test_pattern(), rsp = test_pattern();

    fill_registers(registers_of(&regs));
    regs.orig_rax = regs.rflags = regs.cs = regs.ss = test_pattern();
    user_frame_make(&regs, rip, rsp);
    report_equal(regs.rip, rip, "rip");
    report_equal(regs.rsp, rsp, "rsp");
    report_equal(regs.cs, USER_CS, "cs");
    report_equal(regs.ss, USER_DS, "ss");
    report_equal(regs.rflags, RFLAGS_FIXED | RFLAGS_IF, "rflags");
    report_equal(regs.orig_rax, NO_SYSTEM_CALL, "orig_rax");
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(registers_of(&regs)[i], 0, "%s", register_names[i]);
}

TEST(kernel_stack)
{
    struct tss *tss = &this_cpu()->tss, before = *tss;
    const char *top = (const char *)(test_pattern() & -16ul);

    kernel_stack_use(top);
    report_equal(tss->rsp[0], (u64)top, "RSP0 in the TSS after kernel_stack_use(%p)", top);
    tss->rsp[0] = before.rsp[0];
    report(!memcmp(tss, &before, sizeof(before)), "all else in the TSS is as before");
}

// ---- out --------------------------------------------------------------------------------------------

// Into ring 3 and to the first UD2, which comes back by no code of this lab's.
TEST(enters)
{
    struct gate before = idt[VECTOR_UD];
    struct task *task = program("ud", &program_ud);
    struct pt_regs *regs, sent;
    bool enabled;

    if (!task)
        return;
    regs = task_regs(task);
    fill_registers(registers_of(regs));
    task->user.gs_base = USER_GS;
    sent = *regs;
    report_error(demand_fault(task->space, FLAT_CODE, ACCESS_USER | ACCESS_EXECUTE, false), 0,
                 "the program's page, so that it needs no #PF");
    enabled = interrupts_save();
    task_load(task);
    idt[VECTOR_UD] = gate_make((u64)watch, 0, GATE_INTERRUPT, RING_KERNEL);
    task_enter(&watched_caller, regs);
    idt[VECTOR_UD] = before;
    task_unload(task);
    interrupts_restore(enabled);

    report_equal(watched.rip, sent.rip, "rip in ring 3");
    report_equal(watched.cs, sent.cs, "cs");
    report_equal(watched.rsp, sent.rsp, "rsp");
    report_equal(watched.ss, sent.ss, "ss");
    report_equal(watched.rflags & ~RFLAGS_RF, sent.rflags, "rflags");
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(registers_of(&watched)[i], registers_of(&sent)[i], "%s in ring 3",
                     register_names[i]);
    report_equal(watched_gs, USER_GS, "GS base in ring 3");
    report_equal(watched_other_gs, (u64)&percpu0, "the other GS base, for the way back");
    report_equal(watched_rsp, (u64)(regs + 1) - 5 * 8,
                 "where the CPU pushed its frame, five slots");
    task_free(task);
}

// ---- and back ---------------------------------------------------------------------------------------

static struct pt_regs expected;
static unsigned rounds, complaints;

enum { ROUNDS = 64 };

// Compares what has come with what was sent, and sends the program round with other values.
static void another_round(struct pt_regs *regs)
{
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (registers_of(regs)[i] != registers_of(&expected)[i] && complaints++ < ENOUGH)
            report_equal(registers_of(regs)[i], registers_of(&expected)[i], "%s in round %u",
                         register_names[i], seen.count);
    if (seen.count == rounds)
        task_stop();
    fill_registers(registers_of(regs));
    expected = *regs;
}

TEST(comes_back)
{
    struct task *task = program("breakpoints", &program_breakpoints);
    struct pt_regs *regs;

    if (!task)
        return;
    regs = task_regs(task);
    fill_registers(registers_of(regs));
    expected = *regs;
    task->user.gs_base = USER_GS;
    complaints = 0;
    rounds = ROUNDS;
    run(task, VECTOR_BP, another_round);

    report_count(seen.count, ROUNDS, "exceptions of the program");
    report_equal(seen.regs.rip, FLAT_CODE + 1, "rip");
    report_equal(seen.regs.cs, USER_CS, "cs");
    report_equal(seen.regs.ss, USER_DS, "ss");
    report_equal(seen.regs.rsp, FLAT_STACK, "rsp");
    report_equal(seen.regs.orig_rax, NO_SYSTEM_CALL, "orig_rax");
    report_equal(seen.error_code, NO_ERROR_CODE, "error code");
    report_equal((u64)seen.place, (u64)regs, "where struct pt_regs lies");
    report(seen.stack < (u64)regs && seen.stack >= (u64)task->kernel_stack.low,
           "the handler runs below it on the task's stack");
    report_equal(seen.gs, (u64)&percpu0, "GS base in the handler");
    report_equal(seen.other_gs, USER_GS, "the other GS base in the handler");
    report(!(seen.flags & RFLAGS_IF), "interrupts are off in the handler");
    task_free(task);
}

// ---- GS ---------------------------------------------------------------------------------------------

static u64 gs_after;
static bool resumed;

static void resume_after_ud(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    resumed = this_cpu() == &percpu0;
    regs->rip += 2; // UD2
}

// In the kernel now, which takes an exception and an interrupt of its own, and sends the program on.
static void exceptions_inside(struct pt_regs *regs)
{
    trap_handler *before = trap_set_handler(VECTOR_UD, resume_after_ud);

    (void)regs;
    resumed = false;
    asm volatile("ud2");
    trap_set_handler(VECTOR_UD, before);
    gs_after = msr_read(MSR_GS_BASE);
    if (!resumed || gs_after != (u64)&percpu0)
        task_stop();
}

TEST(gs)
{
    enum { TIMES = 20 };
    struct task *task = program("bases", &program_bases);
    u64 at_gs = test_pattern(), at_fs = test_pattern();
    struct pt_regs *regs;
    u64 data[4] = { at_gs, 0, at_fs, 0 };
    bool enabled;

    if (!task)
        return;
    regs = task_regs(task);
    task->user.gs_base = FLAT_DATA;
    task->user.fs_base = FLAT_DATA + 2 * 8;
    regs->rbx = TIMES;
    regs->r12 = at_gs;
    regs->r13 = at_fs;
    enabled = interrupts_save();
    space_switch(task->space);
    report_count(copy_to_user(FLAT_DATA, data, sizeof(data)), 0, "bytes not copied to the program");
    space_switch(&kernel_space);
    interrupts_restore(enabled);
    run(task, VECTOR_BP, exceptions_inside);

    report(resumed, "an exception of the kernel's, inside the program's, sees the kernel's GS");
    report_equal(gs_after, (u64)&percpu0, "GS base after it");
    report_count(seen.count, TIMES, "exceptions of the program");
    report(task->end.ended, "the program has come to its end");
    report_equal(task->end.vector, VECTOR_UD,
                 "by vector (#GP: it has read with a wrong GS or FS base)");
    task_free(task);
}

// ---- the task's own stack -----------------------------------------------------------------------------

static void expect_own_stack(const struct task *task, const char *what, u64 rip)
{
    report_count(seen.count, 1, "%s: how often", what);
    report_equal(seen.regs.rip, rip, "%s: rip", what);
    report_equal(seen.regs.cs, USER_CS, "%s: cs", what);
    report_equal((u64)seen.place, (u64)task_regs(task), "%s: where struct pt_regs lies", what);
    report(seen.stack < (u64)seen.place && seen.stack >= (u64)task->kernel_stack.low,
           "%s: the handler runs on the task's stack", what);
    report_equal(seen.gs, (u64)&percpu0, "%s: GS base in the handler", what);
}

static void expect_registers(const struct pt_regs *sent, const char *what)
{
    unsigned said = 0;
    struct pt_regs got = seen.regs, before = *sent;

    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        if (registers_of(&got)[i] != registers_of(&before)[i] && said++ < ENOUGH)
            report_equal(registers_of(&got)[i], registers_of(&before)[i], "%s: %s", what,
                         register_names[i]);
    report_equal(got.ss, USER_DS, "%s: ss", what);
    report_equal(got.rsp, before.rsp, "%s: rsp", what);
}

// Its NMI waits until IRETQ, which goes to ring 3. From then on it is the CPU's own NMI stack again that is
// used: meanwhile this one lies on another.
static struct task *nmi_task;
static struct stack nmi_other = { .name = "second NMI stack" };

static void nmi_in_ring_3(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct tss *tss = &this_cpu()->tss;
    u64 before = tss->ist[IST_NMI - 1];

    (void)regs;
    (void)error_code;
    (void)vector;
    tss->ist[IST_NMI - 1] = (u64)nmi_other.top;
    nmi_self();
    run(nmi_task, VECTOR_NMI, stop);
    tss->ist[IST_NMI - 1] = before;
}

enum { BEHIND_THE_NOP = 5 + 1 + 1 }; // bytes of PUSH, POPFQ and the first NOP

TEST(own_stack)
{
    struct task *task = program("steps", &program_steps);
    struct pt_regs sent;
    trap_handler *before;

    if (!task)
        return;
    fill_registers(registers_of(task_regs(task)));
    sent = *task_regs(task);
    run(task, VECTOR_DB, stop);
    expect_own_stack(task, "#DB", FLAT_CODE + BEHIND_THE_NOP);
    expect_registers(&sent, "#DB");
    task_free(task);

    nmi_task = program("counts", &program_counts);
    if (!nmi_task || stack_make(&nmi_other, 2 * PAGE_SIZE) != 0)
        return;
    fill_registers(registers_of(task_regs(nmi_task)));
    sent = *task_regs(nmi_task);
    before = trap_set_handler(VECTOR_NMI, nmi_in_ring_3);
    nmi_self();
    trap_set_handler(VECTOR_NMI, before);
    expect_own_stack(nmi_task, "NMI", FLAT_CODE);
    expect_registers(&sent, "NMI");
    task_free(nmi_task);
}

// ---- how programs end ---------------------------------------------------------------------------------

static void expect_end(const char *name, const struct flat *flat, u64 rdi, unsigned vector)
{
    struct task_end end = run_to_end(name, flat, rdi);

    report(end.ended, "%s: the program has ended", name);
    report_count(end.vector, vector, "%s: by vector", name);
    report_equal(end.regs.cs & RPL_MASK, RPL_MASK, "%s: the ring in cs", name);
}

#define EXPECT_END(name, vector) expect_end(#name, &program_##name, 0, vector)

// A descriptor of a user's data segment that is not present, in a slot that the GDT has free.
#define ABSENT_SELECTOR 0x53

static void absent_descriptor(bool there)
{
    const u64 present = 1ul << 47;

    this_cpu()->gdt[ABSENT_SELECTOR / 8] =
        there ? segment_make(SEGMENT_DATA | SEGMENT_USER) & ~present : 0;
}

TEST(ends)
{
    struct task_end end;

    EXPECT_END(de, VECTOR_DE);
    EXPECT_END(steps, VECTOR_DB);
    EXPECT_END(bp, VECTOR_BP);
    EXPECT_END(of, VECTOR_OF);
    EXPECT_END(into, VECTOR_OF);
    EXPECT_END(br, VECTOR_BR);
    EXPECT_END(ud, VECTOR_UD);
    EXPECT_END(syscall, VECTOR_UD);
    EXPECT_END(gp, VECTOR_GP);
    EXPECT_END(selector, VECTOR_GP);
    EXPECT_END(far, VECTOR_GP);
    EXPECT_END(mf, VECTOR_MF);

    absent_descriptor(true);
    end = run_to_end("np", &program_np, ABSENT_SELECTOR);
    absent_descriptor(false);
    report_count(end.vector, VECTOR_NP, "np: by vector");
    report_equal(end.error_code, ABSENT_SELECTOR & ~RPL_MASK, "np: error code");

    end = run_to_end("retf", &program_retf, 0); // QEMU: row far-return-smap
    report(end.vector == VECTOR_GP || end.vector == VECTOR_PF, "retf: by vector 13, or 14");
    end = run_to_end("ss", &program_ss, 0); // QEMU: row noncanonical-stack
    report(end.vector == VECTOR_SS || end.vector == VECTOR_GP, "ss: by vector 12, or 13");
}

TEST(alignment)
{
    EXPECT_END(ac, VECTOR_AC);
}

TEST(simd_error)
{
    EXPECT_END(xm, VECTOR_XM);
}

#define LISTED(name)           \
    {                          \
#name, &program_##name \
    }

static const struct listed {
    const char *name;
    const struct flat *flat;
} kernels_alone[] = {
    LISTED(hlt),       LISTED(cli),       LISTED(sti),       LISTED(clts),      LISTED(invd),
    LISTED(wbinvd),    LISTED(read_cr0),  LISTED(read_cr2),  LISTED(read_cr3),  LISTED(read_cr4),
    LISTED(read_cr8),  LISTED(write_cr0), LISTED(write_cr3), LISTED(write_cr4), LISTED(write_cr8),
    LISTED(read_dr0),  LISTED(read_dr6),  LISTED(read_dr7),  LISTED(write_dr0), LISTED(write_dr7),
    LISTED(rdmsr),     LISTED(wrmsr),     LISTED(lgdt),      LISTED(lidt),      LISTED(lldt),
    LISTED(ltr),       LISTED(lmsw),      LISTED(invlpg),    LISTED(swapgs),    LISTED(sysret),
    LISTED(xsetbv),    LISTED(in8),       LISTED(in16),      LISTED(in32),      LISTED(out8),
    LISTED(out16),     LISTED(out32),     LISTED(ins),       LISTED(outs),      LISTED(iopl),
}, with_umip[] = {
    LISTED(sgdt), LISTED(sidt), LISTED(sldt), LISTED(str), LISTED(smsw),
};

TEST(privileged)
{
    struct task_end end;

    for (size_t i = 0; i < array_length(kernels_alone); i++) {
        const struct listed *row = &kernels_alone[i];

        end = run_to_end(row->name, row->flat, 0);
        if (row->flat == &program_sysret || row->flat == &program_xsetbv)
            report(end.vector == VECTOR_GP || end.vector == VECTOR_UD, // where it does not exist
                   "%s: by vector 13, or 6", row->name);
        else
            report_count(end.vector, VECTOR_GP, "%s: by vector", row->name);
    }
    for (size_t i = 0; i < array_length(with_umip) && features.umip; i++) {
        end = run_to_end(with_umip[i].name, with_umip[i].flat, 0);
        report_count(end.vector, VECTOR_GP, "%s: by vector", with_umip[i].name);
    }
}

// INT n for every n: ring 3 may use two gates.
TEST(gates)
{
    static char code[] = { (char)0xcd, 0, 0x0f, 0x0b }; // INT n, UD2
    const struct flat flat = { code, code + sizeof(code) };
    unsigned wrong = 0;

    for (unsigned n = 0; n < VECTORS_COUNT; n++) {
        unsigned right = n == VECTOR_BP || n == VECTOR_OF ? n : VECTOR_GP;
        struct task_end end;

        if (vectors[n].door == DOOR_INT80)
            continue;
        code[1] = (char)n;
        end = run_to_end("int", &flat, 0);
        if (end.vector != right && wrong++ < ENOUGH)
            report_count(end.vector, right, "INT %u: by vector", n);
    }
    report_count(wrong, 0, "vectors n for which INT n did otherwise");
}

// ---- memory -------------------------------------------------------------------------------------------

static void expect_page_fault(const char *name, const struct flat *flat, u64 address, u64 code)
{
    struct task_end end = run_to_end(name, flat, address);

    report_count(end.vector, VECTOR_PF, "%s at 0x%lx: by vector", name, address);
    report_equal(end.address, address, "%s: the address", name);
    report_equal(end.error_code, code, "%s at 0x%lx: error code", name, address);
}

static u64 secret = 0x5ec4e7;

TEST(memory)
{
    enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16, DEEP = 20 };
    struct task *task = program("deep", &program_deep);
    u64 before = secret;

    expect_page_fault("read", &program_read, (u64)&secret, PRESENT | USER);
    expect_page_fault("write", &program_write, (u64)&secret, PRESENT | WRITE | USER);
    expect_page_fault("jump", &program_jump, (u64)run_to_end, PRESENT | FETCH | USER);
    expect_page_fault("read", &program_read, (u64)direct_map(0x100000), PRESENT | USER);
    expect_page_fault("read", &program_read, 8, USER);
    expect_page_fault("write", &program_write, FLAT_CODE, PRESENT | WRITE | USER);
    expect_page_fault("jump", &program_jump, FLAT_DATA + FLAT_DATA_SIZE - PAGE_SIZE, FETCH | USER);
    report_equal(secret, before, "what the programs should not reach");

    if (!task)
        return;
    task_regs(task)->rcx = DEEP;
    run(task, VECTOR_BP, stop);
    report_count(seen.count, 1, "a stack of %u pages: breakpoints reached", DEEP);
    report_equal(seen.regs.rsp, FLAT_STACK - DEEP * PAGE_SIZE, "a stack of %u pages: rsp", DEEP);
    task_free(task);
}

// ---- flags --------------------------------------------------------------------------------------------

TEST(flags)
{
    const u64 odd = RFLAGS_DF | RFLAGS_NT | RFLAGS_AC;
    struct task *task = program("flags", &program_flags);

    if (!task)
        return;
    run(task, VECTOR_BP, stop);
    report_count(seen.count, 1, "the program reaches its breakpoint");
    report_equal(seen.regs.rflags & odd, odd, "DF, NT and AC in the frame");
    report_equal(seen.flags & (odd | RFLAGS_IF | RFLAGS_TF), 0,
                 "DF, NT, AC, IF, TF in the handler");
    run(task, VECTOR_UD, stop); // goes on
    report_count(seen.count, 1, "and the instruction behind it");
    report_equal(seen.regs.rflags & odd, odd, "DF, NT and AC after IRETQ");
    task_free(task);

    task = program("if", &program_if);
    if (!task)
        return;
    run(task, VECTOR_BP, stop);
    report_equal(seen.regs.rflags & RFLAGS_IF, RFLAGS_IF, "IF after POPFQ without it");
    task_free(task);
}

// ---- interrupts ---------------------------------------------------------------------------------------

static unsigned expiries;
static u64 counts[3];

static void expired(struct timer *timer)
{
    if (++expiries < array_length(counts))
        timer_start(timer, time_after(MILLISECOND), expired);
    else
        task_stop();
}

// A timer interrupts the program three times; at the third its task stops, out of the interrupt's handler.
TEST(interrupted)
{
    struct task *task = program("counts", &program_counts);
    struct pt_regs sent, *regs;
    static struct timer timer;

    if (!task)
        return;
    regs = task_regs(task);
    fill_registers(registers_of(regs));
    regs->rbx = 0;
    sent = *regs;
    expiries = 0;
    timer_start(&timer, time_after(MILLISECOND), expired);
    task_run(task);
    interrupt_end(VECTOR_TIMER);
    report_count(expiries, array_length(counts), "interrupts of the program");
    report(regs->rbx > 0, "the program has run meanwhile");
    regs->rbx = sent.rbx;
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(registers_of(regs)[i], registers_of(&sent)[i], "%s after interrupts",
                     register_names[i]);
    report_equal(regs->cs, USER_CS, "cs");
    task_free(task);
}

// ---- IRETQ that faults --------------------------------------------------------------------------------

static struct pt_regs refused;

// Sends the program on with what IRETQ will not have.
static void send_refused(struct pt_regs *regs)
{
    regs->rip = refused.rip;
    regs->cs = refused.cs;
    regs->ss = refused.ss;
    regs->rsp = refused.rsp;
    refused = *regs;
}

static void expect_refused(const char *what, u64 rip, u64 cs, u64 ss, unsigned vector,
                           u64 error_code)
{
    struct task *task = program(what, &program_breakpoints);
    struct pt_regs got;

    if (!task)
        return;
    fill_registers(registers_of(task_regs(task)));
    task->user.gs_base = USER_GS;
    refused = (struct pt_regs){ .rip = rip, .cs = cs, .ss = ss, .rsp = FLAT_STACK - 8 };
    run(task, VECTOR_BP, send_refused);
    got = task->end.regs;
    report(task->end.ended, "%s: the program has ended", what);
    report_count(task->end.vector, vector, "%s: by vector", what);
    report_equal(task->end.error_code, error_code, "%s: error code", what);
    report_equal(got.rip, refused.rip, "%s: rip", what);
    report_equal(got.cs, refused.cs, "%s: cs", what);
    report_equal(got.ss, refused.ss, "%s: ss", what);
    report_equal(got.rsp, refused.rsp, "%s: rsp", what);
    report_equal(got.rflags & ~RFLAGS_RF, refused.rflags & ~RFLAGS_RF, "%s: rflags", what);
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(registers_of(&got)[i], registers_of(&refused)[i], "%s: %s", what,
                     register_names[i]);
    report_equal(task->user.gs_base, USER_GS, "%s: the program's GS base", what);
    report_equal(msr_read(MSR_GS_BASE), (u64)&percpu0, "%s: GS base afterwards", what);
    task_free(task);
}

TEST(refused)
{
    struct task *next;

    expect_refused("rip not canonical", NOT_CANONICAL, USER_CS, USER_DS, VECTOR_GP, 0);
    expect_refused("cs beyond the GDT", FLAT_CODE, 0xfffb, USER_DS, VECTOR_GP, 0xfff8);
    expect_refused("ss beyond the GDT", FLAT_CODE, USER_CS, 0xfffb, VECTOR_GP, 0xfff8);
    expect_refused("cs a data segment", FLAT_CODE, USER_DS, USER_DS, VECTOR_GP,
                   USER_DS & ~RPL_MASK);
    expect_refused("ss a code segment", FLAT_CODE, USER_CS, USER_CS, VECTOR_GP,
                   USER_CS & ~RPL_MASK);
    expect_refused("ss null", FLAT_CODE, USER_CS, RPL_MASK, VECTOR_GP, 0);
    expect_refused("ss of ring 0", FLAT_CODE, USER_CS, KERNEL_DS, VECTOR_GP, KERNEL_DS);
    absent_descriptor(true);
    expect_refused("ss not present", FLAT_CODE, USER_CS, ABSENT_SELECTOR, VECTOR_NP,
                   ABSENT_SELECTOR & ~RPL_MASK); // SDM: also #SS; row iret-absent-ss
    absent_descriptor(false);

    next = program("breakpoints", &program_breakpoints);
    if (!next)
        return;
    run(next, VECTOR_BP, stop);
    report_count(seen.count, 1, "the next program reaches its breakpoint");
    task_free(next);
}

// ---- FPU and the rest ---------------------------------------------------------------------------------

enum { FPU_BYTES = 512 + 16 * 32, XMM_AT = 160, XMM_BYTES = 256, FPU_MXCSR = 24 };

static bool has_avx(void)
{
    const u32 wanted = 1u << 27 | 1u << 28; // OSXSAVE, AVX
    u32 low, high;

    if ((cpuid(1, 0).ecx & wanted) != wanted)
        return false;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

static void to_program(struct task *task, u64 to, const void *from, size_t size)
{
    space_switch(task->space);
    report_count(copy_to_user(to, from, size), 0, "bytes not copied to the program");
    space_switch(&kernel_space);
}

static void from_program(struct task *task, void *to, u64 from, size_t size)
{
    space_switch(task->space);
    report_count(copy_from_user(to, from, size), 0, "bytes not copied from the program");
    space_switch(&kernel_space);
}

// An FXSAVE image, and upper halves of YMM behind it.
static void fpu_pattern(u8 *image)
{
    for (unsigned i = 0; i < FPU_BYTES; i += 8)
        *(u64 *)(image + i) =
            i < XMM_AT || (i >= XMM_AT + XMM_BYTES && i < 512) ? 0 : test_pattern();
    *(u16 *)image = 0x037f;
    *(u32 *)(image + FPU_MXCSR) = 0x1f80 | (test_random() & 3) << 13; // some way of rounding
    memcpy(image + 512, image + XMM_AT, 16); // VMOVUPS writes XMM, too: the low halves agree
    for (unsigned i = 0; i < 16; i++)
        memcpy(image + 512 + i * 32, image + XMM_AT + i * 16, 16);
}

// Whether this byte of an image is a register's: not the control word's, MXCSR's, its mask's, or nobody's.
static bool is_register(unsigned i)
{
    if (i < FPU_MXCSR + 8)
        return i >= 2 && i < FPU_MXCSR;
    return i < XMM_AT + XMM_BYTES || i >= 512;
}

// One program is stopped between loading its registers and storing them, and another one does the same.
TEST(fpu)
{
    static u8 first[FPU_BYTES] aligned_to(16), second[FPU_BYTES] aligned_to(16),
        got[FPU_BYTES] aligned_to(16);
    struct task *a = program("fpu a", &program_fpu_load), *b = program("fpu b", &program_fpu_load);
    const struct flat *store = &program_fpu_store;
    struct task *fresh;
    unsigned wrong = 0;

    if (!a || !b)
        return;
    fpu_pattern(first);
    fpu_pattern(second);
    to_program(a, FLAT_DATA, first, sizeof(first));
    to_program(b, FLAT_DATA, second, sizeof(second));
    task_regs(a)->rsi = task_regs(b)->rsi = has_avx();
    run(a, VECTOR_BP, stop);
    run(b, VECTOR_BP, stop);
    run(a, VECTOR_BP, stop);
    from_program(a, got, FLAT_DATA, sizeof(got));
    for (unsigned i = FPU_MXCSR; i < (has_avx() ? FPU_BYTES : 512); i++)
        wrong += (i < FPU_MXCSR + 4 || (i >= XMM_AT && i < XMM_AT + XMM_BYTES) || i >= 512) &&
                 got[i] != first[i];
    report_count(wrong, 0, "bytes of XMM, YMM and MXCSR that are another's, or lost");

    fresh = program("fpu fresh", store);
    if (!fresh)
        return;
    task_regs(fresh)->rsi = has_avx();
    run(fresh, VECTOR_BP, stop);
    from_program(fresh, got, FLAT_DATA, sizeof(got));
    report_equal(*(u16 *)got, 0x037f, "a new program: FCW");
    report_equal(*(u32 *)(got + FPU_MXCSR), 0x1f80, "a new program: MXCSR");
    wrong = 0;
    for (unsigned i = 2; i < FPU_BYTES; i++)
        wrong += is_register(i) && got[i];
    report_count(wrong, 0, "a new program: bytes of XMM, YMM and x87 that are not 0");
    task_free(a);
    task_free(b);
    task_free(fresh);
}

// What one program leaves in registers, the next does not find.
TEST(clean)
{
    static u8 image[FPU_BYTES] aligned_to(16);
    struct task *untidy = program("untidy", &program_untidy),
                *next = program("tidy", &program_tidy);

    if (!untidy || !next)
        return;
    fpu_pattern(image);
    to_program(untidy, FLAT_DATA, image, sizeof(image));
    fill_registers(registers_of(task_regs(untidy)));
    task_regs(untidy)->rdi = FLAT_DATA;
    untidy->user.fs_base = USER_FS;
    untidy->user.gs_base = USER_GS;
    run(untidy, VECTOR_BP, stop);
    report_count(seen.count, 1, "the first one reaches its breakpoint");

    run(next, VECTOR_BP, stop);
    report_equal(seen.regs.rax, 0, "DS, ES, FS and GS of the next one");
    report_equal(seen.other_gs, 0, "its GS base");
    report_equal(msr_read(MSR_FS_BASE), 0, "its FS base");
    for (unsigned i = 0; i < GENERAL_REGISTERS - 2; i++) // rdi and rsi are given
        if (i != 10 && i != 11)                          // rax and rcx are used
            report_equal(registers_of(&seen.regs)[i], 0, "its %s", register_names[i]);
    task_free(untidy);
    task_free(next);
}

// Nothing is left of a program that has ended.
TEST(many)
{
    enum { PROGRAMS = 50 };
    size_t pages;
    unsigned ended = 0;

    run_to_end("ud", &program_ud, 0); // what is kept for the next one is there now
    pages = pages_available();
    for (unsigned i = 0; i < PROGRAMS; i++)
        ended += run_to_end("ud", &program_ud, 0).vector == VECTOR_UD;
    report_count(ended, PROGRAMS, "programs that ended by #UD");
    report_count(pages_available(), pages, "pages of memory left");
}
