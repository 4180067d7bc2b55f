// Lab 03: what C sees of an exception, and what the interrupted code sees of it: nothing.

#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "triggers.h"

#define ARITHMETIC_FLAGS 0x8d5ul // CF PF AF ZF SF OF
#define PRESENT          (1ul << 47)

enum { ENOUGH_SLOTS = 6, ENOUGH_STUBS = 2 }; // complaints; more of them would say nothing new

// struct pt_regs as an array, to compare slot by slot.
enum { SLOTS = sizeof(struct pt_regs) / sizeof(u64) };
static const char *const slot_name[SLOTS] = {
    "r15", "r14", "r13", "r12", "rbp",      "rbx", "r11", "r10",    "r9",  "r8", "rax",
    "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs",  "rflags", "rsp", "ss",
};

static struct {
    unsigned count;
    struct pt_regs regs;
    u64 code;
    unsigned vector;
} seen;

// How often the stand-ins of lab 10's doors were come through, labs/10-paranoid/standins/.
extern u64 paranoid_count, nmi_count;

static const struct trigger *running;
static bool resume;         // back to the trigger; if not, out of it
static const u64 *new_regs; // for the interrupted code, or NULL

void probe_reached(struct pt_regs *regs, u64 code, unsigned vector);

// Comes through trap_probe. Notes what C was given; then back to the trigger, or out of it when the
// test does not want to depend on the way back, or the frame is no way back.
void probe_reached(struct pt_regs *regs, u64 code, unsigned vector)
{
    seen.count++;
    seen.regs = *regs;
    seen.regs.rflags &= ~RFLAGS_RF; // the CPU sets it in a fault's frame
    seen.code = code;
    seen.vector = vector;
    if (!resume || seen.count > 1 || regs->cs != KERNEL_CS)
        trigger_escape();
    regs->rip = (u64)running->next;
    regs->rflags &= ~RFLAGS_TF;
    if (new_regs) {
        memcpy(regs, new_regs, GENERAL_REGISTERS * sizeof(u64));
        regs->rflags ^= ARITHMETIC_FLAGS;
    }
}

static void fill(struct run *run, u64 rflags)
{
    *run = (struct run){ .in_rflags = rflags | RFLAGS_FIXED };
    fill_registers(run->in);
}

static u64 random_flags(void)
{
    return test_random() & (ARITHMETIC_FLAGS | RFLAGS_DF | RFLAGS_IF); // nothing interrupts yet
}

static struct run provoke(const struct trigger *trigger, u64 rflags)
{
    unsigned vector = (unsigned)trigger->vector;
    trap_handler *before = trap_set_handler(vector, trap_probe);
    struct run run;

    fill(&run, rflags);
    memset(&seen, 0, sizeof(seen));
    running = trigger;
    trigger_run(&run, trigger);
    trap_set_handler(vector, before);
    return run;
}

// ---- what must hold -------------------------------------------------------------------------------

static const char *name_of(const struct trigger *trigger)
{
    return vectors[trigger->vector].name;
}

// Whose value this is, of the slots below `end`; NULL if nobody's. RF is the CPU's own.
static const char *owner_of(u64 value, const u64 *expected, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (value == expected[i] || (value & ~RFLAGS_RF) == expected[i])
            return slot_name[i];
    return NULL;
}

// ` (it holds rsi)` or nothing, for a format that ends in HOLDS.
#define HOLDS        "%s%s%s"
#define HOLDS_(name) (name) ? " (it holds " : "", (name) ? (name) : "", (name) ? ")" : ""

// Compares the slots from `first` to `end`, counted from r15, and where one holds what belongs into
// another says so.
static void expect_slots(const u64 *got, const u64 *expected, size_t first, size_t end,
                         const char *name, const char *where)
{
    unsigned wrong = 0;

    for (size_t i = first; i < end; i++) {
        const char *owner;

        if (got[i] == expected[i] || ++wrong > ENOUGH_SLOTS)
            continue;
        owner = owner_of(got[i], expected, end);
        report_equal(got[i], expected[i], "%s: %s %s" HOLDS, name, slot_name[i], where,
                     HOLDS_(owner));
    }
    if (wrong > ENOUGH_SLOTS)
        report_count(wrong, 0, "%s: wrong values %s, in all", name, where);
}

static struct pt_regs frame_of(const struct trigger *trigger, const struct run *run)
{
    struct pt_regs regs = {
        .orig_rax = NO_SYSTEM_CALL,
        .rip = (u64)trigger->rip,
        .cs = KERNEL_CS,
        .rflags = run->in_rflags | trigger->rflags,
        .rsp = run->in_rsp,
        .ss = KERNEL_DS,
    };

    memcpy(&regs, run->in, sizeof(run->in));
    return regs;
}

// What C was given besides the frame. A code that is wrong has come from somewhere: where a frame is
// a slot off, the CPU's code lies where rip should; else C may have been given another slot.
static void expect_arrival(const struct trigger *trigger, const struct run *run)
{
    const char *name = name_of(trigger);
    struct pt_regs frame = frame_of(trigger, run);

    report_count(seen.count, 1, "%s: exceptions that reached C", name);
    if (!seen.count)
        return;
    report_equal(seen.vector, trigger->vector, "%s: vector", name);
    if (trigger->code != NO_ERROR_CODE && seen.code != trigger->code &&
        seen.regs.rip == trigger->code)
        report_equal(seen.code, trigger->code,
                     "%s: error code, all ones for none (the CPU's is in the slot of rip)", name);
    else
        report_equal(seen.code, trigger->code, "%s: error code, all ones for none" HOLDS, name,
                     HOLDS_(owner_of(seen.code, (const u64 *)&frame, GENERAL_REGISTERS)));
}

// The frame of a trigger that ran with the registers of `run`: all of it.
static void expect_frame(const struct trigger *trigger, const struct run *run)
{
    struct pt_regs expected = frame_of(trigger, run);

    if (seen.count)
        expect_slots(&seen.regs.r15, &expected.r15, 0, SLOTS, name_of(trigger), "in the frame");
}

// Only what differs from one exception to the other; where the registers lie is the test `frame`.
static void expect_upper_frame(const struct trigger *trigger, const struct run *run)
{
    struct pt_regs expected = frame_of(trigger, run);

    if (seen.count)
        expect_slots(&seen.regs.r15, &expected.r15, GENERAL_REGISTERS, SLOTS, name_of(trigger),
                     "in the frame");
}

static bool frame_right(const struct trigger *trigger, const struct run *run)
{
    struct pt_regs expected = frame_of(trigger, run);

    return seen.count == 1 && seen.vector == trigger->vector && seen.code == trigger->code &&
           !memcmp(&seen.regs, &expected, sizeof(expected));
}

static void expect_after(const struct trigger *trigger, const struct run *run, const u64 *registers,
                         u64 rflags)
{
    const char *name = name_of(trigger);

    report(run->out_rsp, "%s: back in the interrupted code", name);
    if (!run->out_rsp)
        return;
    expect_slots(run->out, registers, 0, GENERAL_REGISTERS, name, "after the return");
    report_equal(run->out_rsp, run->in_rsp, "%s: rsp after the return", name);
    report_equal(run->out_rflags, rflags, "%s: rflags after the return", name);
}

static void expect_intact(const struct trigger *trigger, const struct run *run)
{
    expect_after(trigger, run, run->in, run->in_rflags);
}

// ---- the way in: these leave the handler by trigger_escape ----------------------------------------

TEST(reaches_c)
{
    struct run run = provoke(&trigger_bp, 0);

    expect_arrival(&trigger_bp, &run);
}

TEST(frame)
{
    struct run run;

    run = provoke(&trigger_bp, random_flags());
    expect_frame(&trigger_bp, &run);
    run = provoke(&trigger_pf_write, random_flags());
    expect_arrival(&trigger_pf_write, &run);
    expect_frame(&trigger_pf_write, &run);
}

TEST(call_into_c)
{
    provoke(&trigger_bp, RFLAGS_DF | RFLAGS_IF);
    report_equal(probe_rsp % 16, 8, "rsp mod 16 in C, behind the call, with no error code");
    report_equal(probe_rflags & RFLAGS_DF, 0, "DF in C, when the interrupted code had set it");
    report_equal(seen.regs.rflags & RFLAGS_DF, RFLAGS_DF, "DF in the frame");
    report_equal(probe_rflags & RFLAGS_IF, 0, "IF in C, when the interrupted code had set it");
    provoke(&trigger_pf_read, 0);
    report_equal(probe_rsp % 16, 8, "rsp mod 16 in C, behind the call, with an error code");
}

static u64 stub_address(unsigned vector)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == vector)
            return stub->address;
    return 0;
}

// Lab 02's work: a good stub is of no use if no gate leads to it.
static void expect_gates(void)
{
    struct table_register idtr;
    unsigned wrong = 0;

    asm volatile("sidt %0" : "=m"(idtr));
    report_equal(idtr.limit, sizeof(idt) - 1, "IDTR limit, lab 02");
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++) {
        u64 stub = stub_address(vector);
        struct gate gate = {
            .selector = KERNEL_CS,
            .attributes = (u8)(GATE_PRESENT | vectors[vector].ring << 5 | GATE_INTERRUPT),
            .offset_15_0 = (u16)stub,
            .offset_31_16 = (u16)(stub >> 16),
            .offset_63_32 = (u32)(stub >> 32),
        };

        wrong += stub ? memcmp(&idt[vector], &gate, sizeof(gate)) != 0
                      : (idt[vector].attributes & GATE_PRESENT) != 0;
    }
    report_count(wrong, 0, "gates that differ from vectors.def, lab 02");
}

// The door that vectors.def names. All three lead to the same place until lab 10, so only the count
// shows which it was.
static bool door_right(unsigned vector, u64 paranoid, u64 nmi, bool aloud)
{
    bool by_paranoid = vectors[vector].door == DOOR_PARANOID,
         by_nmi = vectors[vector].door == DOOR_NMI;

    if (aloud) {
        report_count(paranoid, by_paranoid, "%s: times through entry_paranoid",
                     vectors[vector].name);
        report_count(nmi, by_nmi, "%s: times through entry_nmi", vectors[vector].name);
    }
    return paranoid == by_paranoid && nmi == by_nmi;
}

// Every stub with a frame of the test's making. Ring 0 cannot raise #TS, #AC, #VC, #SX; #DF and #CP
// have an error code that INT n does not push.
TEST(every_stub)
{
    unsigned wrong = 0, wrong_doors = 0;

    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++) {
        u64 paranoid = paranoid_count, nmi = nmi_count;
        struct trigger trigger = trigger_by_hand;
        struct run run;

        trigger.vector = stub->vector;
        by_hand_stub = stub->address;
        by_hand_has_code = vectors[stub->vector].has_code;
        by_hand_code = test_random() & 0xfff8;
        trigger.code = by_hand_has_code ? by_hand_code : NO_ERROR_CODE;
        run = provoke(&trigger, random_flags());
        paranoid = paranoid_count - paranoid;
        nmi = nmi_count - nmi;
        wrong_doors += !door_right(stub->vector, paranoid, nmi, wrong_doors < ENOUGH_STUBS);
        if (frame_right(&trigger, &run) || ++wrong > ENOUGH_STUBS)
            continue;
        expect_arrival(&trigger, &run);
        expect_frame(&trigger, &run);
    }
    report_count(wrong, 0, "stubs whose frame is wrong");
    report_count(wrong_doors, 0, "stubs that lead to another door");
    expect_gates();
}

// A #GP whose gate is not present. No way back is defined from there.
TEST(double_fault)
{
    struct trigger trigger = trigger_gp;
    struct run run;

    trigger.vector = VECTOR_DF;
    trigger.code = 0;
    idt[VECTOR_GP].attributes &= (u8)~GATE_PRESENT;
    run = provoke(&trigger, 0);
    idt[VECTOR_GP].attributes |= GATE_PRESENT;
    expect_arrival(&trigger, &run);
}

// ---- there and back -------------------------------------------------------------------------------

static struct run provoke_and_resume(const struct trigger *trigger, u64 rflags)
{
    struct run run;

    resume = true;
    run = provoke(trigger, rflags);
    resume = false;
    return run;
}

TEST(returns)
{
    struct run run = provoke_and_resume(&trigger_bp, RFLAGS_DF | RFLAGS_IF | ARITHMETIC_FLAGS);

    report_count(seen.count, 1, "exceptions");
    expect_intact(&trigger_bp, &run);
}

// What the handler writes into the frame is what the interrupted code finds.
TEST(written_back)
{
    struct run other, run;

    fill(&other, 0);
    new_regs = other.in;
    run = provoke_and_resume(&trigger_bp, 0);
    new_regs = NULL;
    expect_after(&trigger_bp, &run, other.in, run.in_rflags ^ ARITHMETIC_FLAGS);
}

static void round_trip(const struct trigger *trigger)
{
    struct run run = provoke_and_resume(trigger, random_flags());

    expect_arrival(trigger, &run);
    expect_upper_frame(trigger, &run);
    expect_intact(trigger, &run);
}

TEST(divide_error)
{
    round_trip(&trigger_de);
}

TEST(debug)
{
    round_trip(&trigger_db);
    report_equal(probe_rflags & RFLAGS_TF, 0, "TF in the handler");
}

TEST(breakpoint)
{
    round_trip(&trigger_bp);
}

TEST(overflow)
{
    round_trip(&trigger_of);
}

TEST(invalid_opcode)
{
    round_trip(&trigger_ud);
}

TEST(device_not_available)
{
    u64 cr0 = read_cr0();

    write_cr0(cr0 | CR0_TS);
    round_trip(&trigger_nm);
    write_cr0(cr0);
}

// A data segment that is not present, in the slot that the GDT leaves empty.
static void with_absent_segment(const struct trigger *trigger)
{
    u64 *entry = &this_cpu()->gdt[absent_selector / sizeof(u64)];

    *entry = this_cpu()->gdt[KERNEL_DS / sizeof(u64)] & ~PRESENT;
    round_trip(trigger);
    *entry = 0;
}

TEST(not_present)
{
    with_absent_segment(&trigger_np);
}

TEST(stack_segment)
{
    with_absent_segment(&trigger_ss);
}

TEST(general_protection)
{
    round_trip(&trigger_gp);
}

TEST(page_fault)
{
    round_trip(&trigger_pf_read);
    round_trip(&trigger_pf_write);
}

TEST(x87_error)
{
    round_trip(&trigger_mf);
    asm volatile("fninit");
}

TEST(simd_error)
{
    u64 cr4 = read_cr4();
    u32 mxcsr = 0x1f80; // every exception masked

    write_cr4(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    round_trip(&trigger_xm);
    asm volatile("ldmxcsr %0" ::"m"(mxcsr));
    write_cr4(cr4);
}

// ---- three deep -----------------------------------------------------------------------------------

static struct {
    const struct trigger *trigger;
    struct run run;
    u64 frame;            // where it lies
    trap_handler *before; // of its vector
} level[3] = {
    { .trigger = &trigger_de },
    { .trigger = &trigger_bp },
    { .trigger = &trigger_pf_read },
};

static unsigned depth;

static void descend(void)
{
    fill(&level[depth].run, random_flags() & ~RFLAGS_DF); // nested runs where no-one clears it
    trigger_run(&level[depth].run, level[depth].trigger);
}

static void nested(struct pt_regs *regs, u64 code, unsigned vector)
{
    const struct trigger *trigger = level[depth].trigger;
    struct pt_regs before = *regs;

    level[depth].frame = (u64)regs;
    report_equal(vector, trigger->vector, "level %u: %s: vector", depth + 1, name_of(trigger));
    report_equal(code, trigger->code, "level %u: %s: error code, all ones for none", depth + 1,
                 name_of(trigger));
    if (depth + 1 < array_length(level)) {
        depth++;
        descend();
        depth--;
    }
    expect_slots(&regs->r15, &before.r15, 0, SLOTS, name_of(trigger),
                 "in the frame, behind the levels below");
    regs->rip = (u64)trigger->next;
}

TEST(nesting)
{
    depth = 0;
    for (unsigned i = 0; i < array_length(level); i++)
        level[i].before = trap_set_handler((unsigned)level[i].trigger->vector, nested);
    descend();
    for (unsigned i = 0; i < array_length(level); i++) {
        trap_set_handler((unsigned)level[i].trigger->vector, level[i].before);
        expect_intact(level[i].trigger, &level[i].run);
    }
    report(level[1].frame < level[0].frame && level[2].frame < level[1].frame,
           "each frame lies below the one it interrupted");
}
