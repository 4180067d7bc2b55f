// Lab 02: gates by hand-worked values, then instructions that go through them.

#include <arch/cpu.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/test.h>

// triggers.asm
extern char int3_stub[];         // the worked example: calls int3_reached
extern char trigger_int3_next[]; // behind the int3 of trigger_int3
extern char trigger_skipped[];   // where to go on after a fault in one of the last three
void trigger_int3(void);
void trigger_int3_with_if(void);
void trigger_int15(void); // vectors without a gate
void trigger_int31(void);
void trigger_int255(void);

// What the CPU pushed, as the stubs find it.
struct stub_frame {
    u64 rip, cs, rflags, rsp, ss;
};

// The stubs that stand in for lab 03's (labs/03-exceptions/standins/) call stub_reached, and that
// calls what hangs on the hook.
typedef void stub_hook_function(u64 vector, struct stub_frame *frame, u64 error_code);
extern stub_hook_function *stub_hook;

u64 *stub_reached(u64 *stack);
void stub_unexpected(u64 vector, struct stub_frame *frame, u64 error_code);
void int3_reached(struct stub_frame *frame);

static struct {
    unsigned count;
    u64 vector, error_code, rflags;
    struct stub_frame frame;
} seen;

static u64 vector_of(u64 end_of_stub)
{
    const struct entry_stub *found = entry_stubs_start;

    for (const struct entry_stub *stub = found; stub != entry_stubs_end; stub++)
        if (stub->address < end_of_stub && stub->address > found->address)
            found = stub;
    return found->vector;
}

// `stack`: the interrupted code's rbp, the end of the stub, and above what the CPU pushed. Returns
// where the first of them waits, now next to the CPU's five slots: IRETQ knows no error code.
u64 *stub_reached(u64 *stack)
{
    u64 vector = vector_of(stack[1]);
    bool has_code = vectors[vector].has_code;
    u64 *frame = &stack[has_code ? 3 : 2];
    u64 error_code = has_code ? stack[2] : NO_ERROR_CODE;

    frame[-1] = stack[0];
    stub_hook(vector, (struct stub_frame *)frame, error_code);
    return frame - 1;
}

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
    frame->rip = (u64)trigger_skipped;
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

// SDM vol. 3, figure 6-8, worked by hand: each field at its extremes, the others at rest.
static const struct worked {
    u64 offset;
    unsigned ist;
    enum gate_type type;
    enum ring ring;
    u64 low, high; // bytes 7 to 0, bytes 15 to 8
} worked[] = {
    { 0, 0, GATE_INTERRUPT, RING_KERNEL, 0x00008e0000100000, 0 },
    { 0, 0, GATE_TRAP, RING_KERNEL, 0x00008f0000100000, 0 },
    { 0, 0, GATE_INTERRUPT, RING_USER, 0x0000ee0000100000, 0 },
    { 0, 7, GATE_INTERRUPT, RING_KERNEL, 0x00008e0700100000, 0 },
    { 0, 1, GATE_TRAP, RING_USER, 0x0000ef0100100000, 0 },
    { 0xffff, 0, GATE_INTERRUPT, RING_KERNEL, 0x00008e000010ffff, 0 },
    { 0xffff0000, 0, GATE_INTERRUPT, RING_KERNEL, 0xffff8e0000100000, 0 },
    { 0xffffffff00000000, 0, GATE_INTERRUPT, RING_KERNEL, 0x00008e0000100000, 0xffffffff },
    { 0xfedcba9876543210, 4, GATE_INTERRUPT, RING_USER, 0x7654ee0400103210, 0xfedcba98 },
};

enum { ENOUGH = 3 }; // wrong gates in a row of complaints; more of them say nothing new

TEST_BEFORE(INIT_IDT, gate_encoding)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < array_length(worked) && wrong < ENOUGH; i++) {
        const struct worked *w = &worked[i];
        const char *type = w->type == GATE_TRAP ? "trap" : "interrupt";
        struct gate gate = gate_make(w->offset, w->ist, w->type, w->ring);
        u64 half[2];

        memcpy(half, &gate, sizeof(half));
        report_bits(half[0], w->low, "%s gate, offset 0x%lx, IST %u, DPL %u: bytes 7 to 0", type,
                    w->offset, w->ist, w->ring);
        report_bits(half[1], w->high, "%s gate, offset 0x%lx, IST %u, DPL %u: bytes 15 to 8", type,
                    w->offset, w->ist, w->ring);
        wrong += half[0] != w->low || half[1] != w->high;
    }
}

static const struct entry_stub *stub_of(unsigned vector)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == vector)
            return stub;
    return NULL;
}

// Compares the gate of a vector with its row of vectors.def, field by field, so that the report
// names the field. Returns whether it is right; says what is not if `aloud`.
static bool gate_right(unsigned vector, bool aloud)
{
    const struct gate *gate = &idt[vector];
    const struct entry_stub *stub = stub_of(vector);
    u64 offset = gate->offset_15_0 | (u64)gate->offset_31_16 << 16 | (u64)gate->offset_63_32 << 32;
    const struct {
        const char *name;
        enum report_form form;
        u64 got, expected;
    } fields[] = {
        { "present", REPORT_HEX, gate->attributes >> 7, stub != NULL },
        { "offset", REPORT_PLACE, offset, stub ? stub->address : 0 },
        { "selector", REPORT_HEX, gate->selector, KERNEL_CS },
        { "type (bits 4:0)", REPORT_HEX, gate->attributes & 0x1f, GATE_INTERRUPT },
        { "DPL", REPORT_HEX, gate->attributes >> 5 & 3, vectors[vector].ring },
        { "IST", REPORT_HEX, gate->ist, 0 },
        { "reserved", REPORT_HEX, gate->reserved, 0 },
    };
    // Of a gate that is not present nothing else counts.
    size_t count = fields[0].got && fields[0].expected ? array_length(fields) : 1;
    bool right = true;

    for (size_t i = 0; i < count; i++) {
        right &= fields[i].got == fields[i].expected;
        if (aloud)
            REPORT(fields[i].form, fields[i].got, fields[i].expected, "gate %u (%s): %s", vector,
                   vectors[vector].name, fields[i].name);
    }
    return right;
}

TEST_BEFORE(INIT_IDT, table)
{
    unsigned wrong = 0;

    memset(idt, 0, sizeof(idt));
    idt_fill();
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        wrong += !gate_right(vector, wrong < ENOUGH);
    report_count(wrong, 0, "gates that differ from vectors.def");
}

TEST(loaded)
{
    struct table_register idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    report_equal(idtr.base, (u64)idt, "IDTR base");
    report_equal(idtr.limit, VECTORS_COUNT * 16 - 1, "IDTR limit, the offset of the last byte");
}

TEST(breakpoint)
{
    provoke(remember, trigger_int3);
    report_count(seen.count, 1, "calls of the handler");
    report_equal(seen.vector, VECTOR_BP, "vector");
    report_equal(seen.frame.rip, (u64)trigger_int3_next, "RIP, behind the int3: a trap");
    report_equal(seen.frame.cs, KERNEL_CS, "CS");
    report_equal(seen.frame.ss, KERNEL_DS, "SS");
}

static void expect_if(const char *gate, u64 in_handler)
{
    report_count(seen.count, 1, "%s: calls of the handler", gate);
    report_equal(seen.frame.rflags & RFLAGS_IF, RFLAGS_IF, "%s: IF in the frame", gate);
    report_equal(seen.rflags & RFLAGS_IF, in_handler, "%s: IF in the handler", gate);
}

TEST(interrupt_gate)
{
    provoke(remember, trigger_int3_with_if);
    expect_if("gate 3 of the table", 0);
}

// A gate of the test's own takes a vector's place for one run of a trigger.
static void provoke_through(unsigned vector, struct gate gate, stub_hook_function *hook,
                            void (*trigger)(void))
{
    struct gate before = idt[vector];

    idt[vector] = gate;
    provoke(hook, trigger);
    idt[vector] = before;
}

TEST(trap_gate)
{
    struct gate gate = gate_make((u64)int3_stub, 0, GATE_TRAP, RING_KERNEL);

    provoke_through(VECTOR_BP, gate, stub_unexpected, trigger_int3_with_if);
    expect_if("a trap gate", RFLAGS_IF);
}

// INT n through a gate that does not work: the fault's code names the gate. SDM vol. 3, section
// 6.13: the index times 8, and 2 for "in the IDT". QEMU's TCG takes the index times 16.
static void expect_refused(unsigned vector, unsigned fault)
{
    u64 sdm = (u64)vector * 8 + 2;
    u64 qemu = (u64)vector * 16 + 2;

    report_count(seen.count, 1, "int %u: exceptions", vector);
    report_equal(seen.vector, fault, "int %u: vector of the fault", vector);
    if (seen.error_code != qemu)
        report_equal(seen.error_code, sdm, "int %u: error code of the fault", vector);
}

TEST(not_present)
{
    struct gate gate = gate_make((u64)int3_stub, 0, GATE_INTERRUPT, RING_KERNEL);

    gate.attributes &= (u8)~GATE_PRESENT;
    provoke_through(15, gate, remember_and_skip, trigger_int15);
    expect_refused(15, VECTOR_NP);
    // All zeroes are no gate at all: the type is checked first (SDM vol. 2, INT n).
    provoke(remember_and_skip, trigger_int15);
    expect_refused(15, VECTOR_GP);
    provoke(remember_and_skip, trigger_int31);
    expect_refused(31, VECTOR_GP);
}

// The stub reports vector 3, whichever gate leads to it; a limit that is too low makes it #GP.
TEST(last_gate)
{
    struct gate gate = gate_make((u64)int3_stub, 0, GATE_INTERRUPT, RING_KERNEL);

    provoke_through(255, gate, remember_and_skip, trigger_int255);
    report_count(seen.count, 1, "int 255: calls of the handler");
    report_equal(seen.vector, VECTOR_BP, "int 255 through a gate to int3_stub: vector");
}
