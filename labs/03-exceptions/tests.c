// Lab 03: what C sees of an exception, and what the interrupted code sees of it: nothing.

#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <entry/idt.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "triggers.h"

#define ARITHMETIC_FLAGS 0x8d5ul // CF PF AF ZF SF OF

static const char *const register_name[GENERAL_REGISTERS] = {
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10",
    "r9",  "r8",  "rax", "rcx", "rdx", "rsi", "rdi",
};

static struct {
    unsigned count;
    struct pt_regs regs;
    u64 code;
    unsigned vector;
} seen;

static const struct trigger *running;
static bool resume;

void probe_reached(struct pt_regs *regs, u64 code, unsigned vector);

// Comes through trap_probe. Notes what C was given; then back to the trigger, or out of it when the
// test does not want to depend on the way back.
void probe_reached(struct pt_regs *regs, u64 code, unsigned vector)
{
    seen.count++;
    seen.regs = *regs;
    seen.code = code;
    seen.vector = vector;
    if (!resume || seen.count > 1)
        trigger_escape();
    regs->rip = (u64)running->next;
    regs->rflags &= ~RFLAGS_TF;
}

static struct run provoke(const struct trigger *trigger, unsigned vector, u64 rflags)
{
    struct run run = { .in_rflags = rflags | RFLAGS_FIXED };
    trap_handler *before = trap_set_handler(vector, trap_probe);

    for (int i = 0; i < GENERAL_REGISTERS; i++)
        run.in[i] = test_pattern();
    memset(&seen, 0, sizeof(seen));
    running = trigger;
    trigger_run(&run, trigger);
    trap_set_handler(vector, before);
    return run;
}

static void expect_arrival(const struct trigger *trigger)
{
    const char *name = vectors[trigger->vector].name;

    report_equal(seen.count, 1, "%s: exceptions that reached C", name);
    report_equal(seen.vector, trigger->vector, "%s: vector", name);
    report_equal(seen.code, trigger->code, "%s: error code, all ones for none", name);
}

// The frame of a trigger that ran with the registers of `run`.
static void expect_frame(const struct trigger *trigger, const struct run *run)
{
    const char *name = vectors[trigger->vector].name;
    const u64 *slot = &seen.regs.r15;

    if (!seen.count)
        return; // expect_arrival has said so
    report_equal(seen.regs.rip, (u64)trigger->rip, "%s: rip in the frame", name);
    report_equal(seen.regs.cs, KERNEL_CS, "%s: cs in the frame", name);
    report_equal(seen.regs.rsp, run->in_rsp, "%s: rsp in the frame", name);
    report_equal(seen.regs.ss, KERNEL_DS, "%s: ss in the frame", name);
    report_equal(seen.regs.orig_rax, NO_SYSTEM_CALL, "%s: orig_rax, no system call", name);
    for (int i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(slot[i], run->in[i], "%s: %s in the frame", name, register_name[i]);
}

static void expect_intact(const struct trigger *trigger, const struct run *run)
{
    const char *name = vectors[trigger->vector].name;

    for (int i = 0; i < GENERAL_REGISTERS; i++)
        report_equal(run->out[i], run->in[i], "%s: %s after the return", name, register_name[i]);
    report_equal(run->out_rsp, run->in_rsp, "%s: rsp after the return", name);
    report_equal(run->out_rflags & ~RFLAGS_TF & ~ARITHMETIC_FLAGS,
                 run->in_rflags & ~ARITHMETIC_FLAGS, "%s: rflags after the return", name);
}

// ---- the way in: these leave the handler by trigger_escape ----------------------------------------

TEST(reaches_c)
{
    resume = false;
    provoke(&trigger_bp, VECTOR_BP, 0);
    expect_arrival(&trigger_bp);
}

TEST(frame)
{
    struct run run;

    resume = false;
    run = provoke(&trigger_bp, VECTOR_BP, 0);
    expect_frame(&trigger_bp, &run);
    report_equal(seen.regs.rflags, run.in_rflags, "rflags in the frame");
    run = provoke(&trigger_pf_write, VECTOR_PF, 0);
    expect_frame(&trigger_pf_write, &run);
}

TEST(call_into_c)
{
    resume = false;
    provoke(&trigger_bp, VECTOR_BP, RFLAGS_DF);
    report_equal(probe_rsp % 16, 8, "rsp mod 16 behind the call of the C function, with no code");
    report_equal(probe_rflags & RFLAGS_DF, 0, "DF in C, when the interrupted code had set it");
    report_equal(seen.regs.rflags & RFLAGS_DF, RFLAGS_DF, "DF in the frame");
    provoke(&trigger_pf_read, VECTOR_PF, 0);
    report_equal(probe_rsp % 16, 8, "rsp mod 16 behind the call of the C function, with a code");
}

// Every stub with a frame of the test's making. Ring 0 cannot raise #TS, #AC, #VC, #SX; #DF and #CP
// have an error code that INT n does not push.
TEST(every_stub)
{
    resume = false;
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++) {
        unsigned vector = (unsigned)stub->vector;

        by_hand_stub = stub->address;
        by_hand_has_code = vectors[vector].has_code;
        by_hand_code = test_random() & 0xfff8;
        struct trigger trigger = trigger_by_hand;
        trigger.vector = vector;
        trigger.code = by_hand_has_code ? by_hand_code : NO_ERROR_CODE;
        struct run run = provoke(&trigger, vector, 0);
        expect_arrival(&trigger);
        expect_frame(&trigger, &run);
    }
}

// ---- there and back -------------------------------------------------------------------------------

TEST(returns)
{
    struct run run;

    resume = true;
    run = provoke(&trigger_bp, VECTOR_BP, RFLAGS_DF | ARITHMETIC_FLAGS);
    report_equal(seen.count, 1, "exceptions");
    expect_intact(&trigger_bp, &run);
    report_equal(run.out_rflags, run.in_rflags, "all of rflags after the return");
}

static void round_trip(const struct trigger *trigger, u64 vector)
{
    struct run run;

    resume = true;
    run = provoke(trigger, (unsigned)vector, 0);
    expect_arrival(trigger);
    expect_frame(trigger, &run);
    expect_intact(trigger, &run);
}

TEST(divide_error)
{
    round_trip(&trigger_de, VECTOR_DE);
}

TEST(debug)
{
    round_trip(&trigger_db, VECTOR_DB);
    report_equal(seen.regs.rflags & RFLAGS_TF, RFLAGS_TF, "TF in the frame");
    report_equal(probe_rflags & RFLAGS_TF, 0, "TF in the handler");
}

TEST(breakpoint)
{
    round_trip(&trigger_bp, VECTOR_BP);
}

TEST(overflow)
{
    round_trip(&trigger_of, VECTOR_OF);
}

TEST(invalid_opcode)
{
    round_trip(&trigger_ud, VECTOR_UD);
}

TEST(device_not_available)
{
    u64 cr0 = read_cr0();

    write_cr0(cr0 | CR0_TS);
    round_trip(&trigger_nm, VECTOR_NM);
    write_cr0(cr0);
}

// A data segment that is not present, in the slot that the GDT leaves empty.
static void with_absent_segment(const struct trigger *trigger, u64 vector)
{
    u64 *entry = &this_cpu()->gdt[ABSENT_SELECTOR / 8];

    *entry = this_cpu()->gdt[KERNEL_DS / 8] & ~(1ul << 47);
    round_trip(trigger, vector);
    *entry = 0;
}

TEST(not_present)
{
    with_absent_segment(&trigger_np, VECTOR_NP);
}

TEST(stack_segment)
{
    with_absent_segment(&trigger_ss, VECTOR_SS);
}

TEST(general_protection)
{
    round_trip(&trigger_gp, VECTOR_GP);
}

TEST(page_fault)
{
    round_trip(&trigger_pf_read, VECTOR_PF);
    round_trip(&trigger_pf_write, VECTOR_PF);
}

TEST(x87_error)
{
    round_trip(&trigger_mf, VECTOR_MF);
    asm volatile("fninit");
}

TEST(simd_error)
{
    u64 cr4 = read_cr4();
    u32 mxcsr = 0x1f80; // every exception masked

    write_cr4(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    round_trip(&trigger_xm, VECTOR_XM);
    asm volatile("ldmxcsr %0" ::"m"(mxcsr));
    write_cr4(cr4);
}

// ---- three deep -----------------------------------------------------------------------------------

static struct {
    const struct trigger *trigger;
    struct run run;
    u64 rsp; // of the frame
} level[3] = { { .trigger = &trigger_de }, { .trigger = &trigger_bp }, { .trigger = &trigger_pf_read } };

static unsigned depth;

static void descend(void)
{
    struct run *run = &level[depth].run;

    *run = (struct run){ .in_rflags = RFLAGS_FIXED };
    for (int i = 0; i < GENERAL_REGISTERS; i++)
        run->in[i] = test_pattern();
    trigger_run(run, level[depth].trigger);
}

static void nested(struct pt_regs *regs, u64 code, unsigned vector)
{
    const struct trigger *trigger = level[depth].trigger;
    u64 own_depth = depth;

    report_equal(vector, trigger->vector, "level %lu: vector", own_depth + 1);
    report_equal(code, trigger->code, "level %lu: error code", own_depth + 1);
    level[depth].rsp = (u64)regs;
    if (depth + 1 < array_length(level)) {
        depth++;
        descend();
        depth--;
    }
    regs->rip = (u64)trigger->next;
}

TEST(nesting)
{
    trap_handler *before[array_length(level)];

    depth = 0;
    for (unsigned i = 0; i < array_length(level); i++)
        before[i] = trap_set_handler((unsigned)level[i].trigger->vector, nested);
    descend();
    for (unsigned i = 0; i < array_length(level); i++) {
        trap_set_handler((unsigned)level[i].trigger->vector, before[i]);
        expect_intact(level[i].trigger, &level[i].run);
    }
    report(level[1].rsp < level[0].rsp && level[2].rsp < level[1].rsp,
           "each frame lies below the one it interrupted");
}
