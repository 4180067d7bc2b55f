// Lab 02: gates by hand-worked values, then a breakpoint that reaches C and comes back.

#include <arch/cpu.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/test.h>

// triggers.asm
extern char int3_stub[];     // the worked example: calls int3_reached
extern char trigger_resume[]; // where the trigger that ran last goes on
void trigger_int3(void);
void trigger_int15(void); // vectors without a gate
void trigger_int31(void);
void trigger_gate(void); // int3 with IF set

// What the CPU pushed, as the stubs find it.
struct stub_frame {
    u64 rip, cs, rflags, rsp, ss;
};

// The stubs that stand in for lab 03's.
typedef void stub_hook_function(u64 vector, struct stub_frame *frame, u64 error_code);
extern stub_hook_function *stub_hook;

void stub_unexpected(u64 vector, struct stub_frame *frame, u64 error_code);
void int3_reached(struct stub_frame *frame);

static struct {
    unsigned count;
    u64 vector, error_code, rflags;
    struct stub_frame frame;
} seen;

void stub_unexpected(u64 vector, struct stub_frame *frame, u64 error_code)
{
    panic("vector %lu, %s, at 0x%lx, error code 0x%lx", vector, vectors[vector].name, frame->rip,
          error_code);
}

static void remember(u64 vector, struct stub_frame *frame, u64 error_code)
{
    seen.count++;
    seen.vector = vector;
    seen.error_code = error_code;
    seen.frame = *frame;
    seen.rflags = read_rflags();
}

// For a fault: goes on behind the instruction, which else would fault for ever.
static void remember_and_skip(u64 vector, struct stub_frame *frame, u64 error_code)
{
    remember(vector, frame, error_code);
    frame->rip = (u64)trigger_resume;
}

void int3_reached(struct stub_frame *frame)
{
    remember(VECTOR_BP, frame, NO_ERROR_CODE);
}

static void provoke(stub_hook_function *hook, void (*trigger)(void))
{
    memset(&seen, 0, sizeof(seen));
    stub_hook = hook;
    trigger();
    stub_hook = stub_unexpected;
}

static void expect_gate(struct gate gate, u64 low, u64 high)
{
    u64 half[2];

    memcpy(half, &gate, sizeof(half));
    report_equal(half[0], low, "low half of the gate");
    report_equal(half[1], high, "high half of the gate");
}

// SDM vol. 3, figure 6-8, worked by hand: each field at its extremes, the others at rest.
TEST_BEFORE(INIT_IDT, gate_encoding)
{
    expect_gate(gate_make(0, 0, GATE_INTERRUPT, KERNEL), 0x00008e0000100000, 0);
    expect_gate(gate_make(0, 0, GATE_TRAP, KERNEL), 0x00008f0000100000, 0);
    expect_gate(gate_make(0, 0, GATE_INTERRUPT, USER), 0x0000ee0000100000, 0);
    expect_gate(gate_make(0, 7, GATE_INTERRUPT, KERNEL), 0x00008e0700100000, 0);
    expect_gate(gate_make(0, 1, GATE_TRAP, USER), 0x0000ef0100100000, 0);
    expect_gate(gate_make(0xffff, 0, GATE_INTERRUPT, KERNEL), 0x00008e000010ffff, 0);
    expect_gate(gate_make(0xffff0000, 0, GATE_INTERRUPT, KERNEL), 0xffff8e0000100000, 0);
    expect_gate(gate_make(0xffffffff00000000, 0, GATE_INTERRUPT, KERNEL), 0x00008e0000100000,
                0xffffffff);
    expect_gate(gate_make(0xfedcba9876543210, 4, GATE_INTERRUPT, USER), 0x7654ee0400103210,
                0xfedcba98);
}

static const struct entry_stub *stub_of(unsigned vector)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == vector)
            return stub;
    return NULL;
}

// Each gate against its row of vectors.def; read as fields, so that this test stands without 2.1.
TEST_BEFORE(INIT_IDT, table)
{
    memset(idt, 0, sizeof(idt));
    idt_fill();
    for (unsigned v = 0; v < VECTORS_COUNT; v++) {
        const struct gate *gate = &idt[v];
        const struct entry_stub *stub = stub_of(v);
        u64 offset = gate->offset_15_0 | (u64)gate->offset_31_16 << 16 |
                     (u64)gate->offset_63_32 << 32;

        report_equal(gate->attributes >> 7, stub != NULL, "gate %u: present", v);
        if (!stub || !(gate->attributes >> 7))
            continue;
        report_equal(offset, stub->address, "gate %u: offset, of %s", v, vectors[v].name);
        report_equal(gate->selector, KERNEL_CS, "gate %u: selector", v);
        report_equal(gate->attributes & 0xf, GATE_INTERRUPT, "gate %u: type", v);
        report_equal(gate->attributes >> 5 & 3, vectors[v].ring, "gate %u: DPL", v);
        report_equal(gate->ist, 0, "gate %u: IST", v);
    }
}

TEST(loaded)
{
    struct table_register idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    report_equal(idtr.base, (u64)idt, "IDTR base");
    report_equal(idtr.limit, VECTORS_COUNT * 16 - 1, "IDTR limit, the last byte's offset");
}

TEST(breakpoint)
{
    provoke(remember, trigger_int3);
    report_equal(seen.count, 1, "calls of the handler");
    report_equal(seen.vector, VECTOR_BP, "vector");
    report_equal(seen.frame.rip, (u64)trigger_resume, "RIP, behind the int3: a trap");
    report_equal(seen.frame.cs, KERNEL_CS, "CS");
    report_equal(seen.frame.ss, KERNEL_DS, "SS");
}

// The gate of vector 3 for a moment: another type and another stub.
static void with_gate(enum gate_type type, u64 expected_if)
{
    struct gate saved = idt[VECTOR_BP];

    idt[VECTOR_BP] = gate_make((u64)int3_stub, 0, type, KERNEL);
    provoke(stub_unexpected, trigger_gate);
    idt[VECTOR_BP] = saved;
    report_equal(seen.count, 1, "calls through the test's own gate");
    report_equal(seen.frame.rflags & RFLAGS_IF, RFLAGS_IF, "IF before, in the frame");
    report_equal(seen.rflags & RFLAGS_IF, expected_if, "IF in the handler behind %s gate",
                 type == GATE_TRAP ? "a trap" : "an interrupt");
}

TEST(interrupt_gate)
{
    with_gate(GATE_INTERRUPT, 0);
}

TEST(trap_gate)
{
    with_gate(GATE_TRAP, RFLAGS_IF);
}

// INT n through a gate that does not work: the fault's code names the gate. SDM vol. 3, section
// 6.13: the index times 8, and 2 for "in the IDT". QEMU's TCG takes the index times 16.
static void expect_refused(void (*trigger)(void), unsigned vector, unsigned fault)
{
    u64 sdm = (u64)vector * 8 + 2;
    u64 qemu = (u64)vector * 16 + 2;

    provoke(remember_and_skip, trigger);
    report_equal(seen.count, 1, "int %u: exceptions", vector);
    report_equal(seen.vector, fault, "int %u: vector of the fault", vector);
    if (seen.error_code != qemu)
        report_equal(seen.error_code, sdm, "int %u: error code of the fault", vector);
}

TEST(not_present)
{
    idt[15] = gate_make((u64)int3_stub, 0, GATE_INTERRUPT, KERNEL);
    idt[15].attributes &= (u8)~GATE_PRESENT;
    expect_refused(trigger_int15, 15, VECTOR_NP);
    memset(&idt[15], 0, sizeof(idt[15]));
    // All zeroes are no gate at all: the type is checked first (SDM vol. 2, INT n).
    expect_refused(trigger_int15, 15, VECTOR_GP);
    expect_refused(trigger_int31, 31, VECTOR_GP);
}
