// Lab 06: every interrupt arrives once, is counted once, is ended once, and wakes who waits for it.

#include <apic/apic.h>
#include <apic/io_apic.h>
#include <apic/madt.h>
#include <apic/pit.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/segments.h>
#include <arch/serial.h>
#include <entry/idt.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/traps.h>
#include <serial/uart.h>

#include "triggers.h"

enum { ENOUGH = 2 };      // complaints of one kind; more of them would say nothing new
enum { TURNS = 1 << 16 }; // of a loop that waits for what may never come

// ---- what has arrived -----------------------------------------------------------------------------

static struct {
    unsigned count;
    unsigned vector; // of the last one
    u64 code;
    struct pt_regs regs;
} seen;

static void forget(void)
{
    memset(&seen, 0, sizeof(seen));
}

// In place of do_irq: notes what trap() was given.
static void note(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    seen.count++;
    seen.vector = vector;
    seen.code = error_code;
    seen.regs = *regs;
}

static bool is_interrupt(unsigned vector)
{
    return vectors[vector].door == DOOR_IRQ;
}

// Sends all interrupts to `handler`; NULL: to do_irq again.
static void divert(trap_handler *handler)
{
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        if (is_interrupt(vector))
            trap_set_handler(vector, handler);
}

// A vector of the priority class `priority`, 4 to 13, which nobody uses; 8 has no INT80 in it.
static unsigned vector_of_class(unsigned priority)
{
    return priority << 4 | (1 + (test_random() & 7));
}

static bool in_service(unsigned vector)
{
    return local_apic_read(APIC_IN_SERVICE + vector / 32 * 0x10) >> vector % 32 & 1;
}

// What a test before this one has left in service must not hold back what this one waits for.
static void free_apic(void)
{
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        while (in_service(vector))
            local_apic_write(APIC_END_OF_INTERRUPT, 0);
}

// Some instructions, for an interrupt to strike between.
static void let_strike(void)
{
    asm volatile("nop\n\tnop\n\tnop\n\tnop");
}

// Waits for a handler to have counted so far, but not for ever.
static void wait_for(const volatile unsigned *counter, unsigned count)
{
    for (unsigned turn = 0; turn < TURNS && *counter < count; turn++)
        let_strike();
}

static void interrupt(unsigned vector)
{
    interrupt_self(vector);
    let_strike();
}

// ---- before the controllers are set up ------------------------------------------------------------

static u64 gate_address(unsigned vector)
{
    const struct gate *gate = &idt[vector];

    return gate->offset_15_0 | (u64)gate->offset_31_16 << 16 | (u64)gate->offset_63_32 << 32;
}

// All stubs begin with the same two bytes: where others stand, a gate leads elsewhere.
static bool leads_to_a_stub(unsigned vector)
{
    u64 address = gate_address(vector);

    return address >= (u64)entry_text_start && address < (u64)entry_text_end &&
           *(const u16 *)address == *(const u16 *)gate_address(VECTOR_PIC);
}

// What trap() was given by the stub of `vector`; with complaints if `aloud`.
static bool stub_right(unsigned vector, bool aloud)
{
    if (!leads_to_a_stub(vector)) {
        if (aloud)
            report(false, "the gate of vector %u leads to the beginning of a stub", vector);
        return false;
    }
    forget();
    stub_run(gate_address(vector));
    if (seen.count == 1 && seen.vector == vector && seen.code == NO_ERROR_CODE &&
        seen.regs.rip == (u64)stub_back)
        return true;
    if (aloud) {
        report_count(seen.count, 1, "stub of vector %u: calls of trap", vector);
        report_count(seen.vector, vector, "stub of vector %u: the vector", vector);
        report_equal(seen.code, NO_ERROR_CODE, "stub of vector %u: error code, all ones for none",
                     vector);
        report_place(seen.regs.rip, stub_back, "stub of vector %u: rip in the frame", vector);
    }
    return false;
}

TEST_BEFORE(INIT_INTERRUPTS, stubs)
{
    unsigned wrong = 0;

    divert(note);
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        if (is_interrupt(vector) && !stub_right(vector, wrong < ENOUGH))
            wrong++;
    divert(NULL);
    report_count(wrong, 0, "vectors whose stub is wrong");
}

// ---- the controllers -------------------------------------------------------------------------------

enum { PIC_1 = 0x20, PIC_2 = 0xa0, PIC_MASKS = 1, PIC_END = 0x20 };
enum { EXTERNAL = 7 << 8 }; // what LINT0 delivers: the PICs' vector

// As a firmware may leave the APIC that has not used it: off, and its priority high. The local vectors
// that others have set up are masked by that; they get them back.
TEST(controllers)
{
    u32 timer = local_apic_read(APIC_LVT_TIMER), lint1 = local_apic_read(APIC_LVT_LINT1);

    report(interrupts_enabled(), "interrupts are on when all is set up");
    interrupts_disable();
    local_apic_write(APIC_LVT_LINT0, EXTERNAL);
    local_apic_write(APIC_TASK_PRIORITY, 0xf0);
    local_apic_write(APIC_SPURIOUS, 0xff);
    local_apic_enable();
    local_apic_write(APIC_LVT_TIMER, timer);
    local_apic_write(APIC_LVT_LINT1, lint1);
    interrupts_enable();
    report_equal(local_apic_read(APIC_SPURIOUS) & 0x1ff, APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS,
                 "spurious-interrupt register: the APIC is on (bit 8), the spurious vector");
    report_equal(local_apic_read(APIC_LVT_ERROR), VECTOR_APIC_ERROR,
                 "local vector of errors: VECTOR_APIC_ERROR, not masked");
    report_equal(local_apic_read(APIC_LVT_LINT0) & APIC_MASKED, APIC_MASKED,
                 "local vector of LINT0, the PICs' wire: masked");
    report_equal(local_apic_read(APIC_TASK_PRIORITY), 0, "task priority");
    report_equal(in8(PIC_1 + PIC_MASKS), 0xff, "masked lines of the first PIC");
    report_equal(in8(PIC_2 + PIC_MASKS), 0xff, "masked lines of the second PIC");
}

enum { PIT_LINE = 0, SHOT = 1000 }; // a shot takes 0.8 ms

static void note_pic(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    note(regs, error_code, vector);
    out8(PIC_1, PIC_END);
}

// Through the PICs once more, the way of the first PCs, to see which vector they give.
TEST(pics)
{
    u32 lint0 = local_apic_read(APIC_LVT_LINT0);

    forget();
    divert(note_pic);
    local_apic_write(APIC_LVT_LINT0, EXTERNAL);
    out8(PIC_1 + PIC_MASKS, (u8) ~(1 << PIT_LINE));
    pit_count_down(PIT_INTERRUPTS, SHOT);
    wait_for(&seen.count, 1);
    out8(PIC_1 + PIC_MASKS, 0xff);
    local_apic_write(APIC_LVT_LINT0, lint0);
    divert(NULL);
    report_count(seen.count, 1, "interrupts of the PIT through the PICs");
    report_equal(seen.vector, VECTOR_PIC + PIT_LINE, "their vector");
}

// ---- the end of an interrupt ----------------------------------------------------------------------

static unsigned outer, inner;
static bool outer_before, inner_before, inner_after, outer_meanwhile, outer_after;

static void end_inner(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    note(regs, error_code, vector);
    inner_before = in_service(inner);
    interrupt_end(inner);
    inner_after = in_service(inner);
    outer_meanwhile = in_service(outer);
}

static void end_outer(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    note(regs, error_code, vector);
    outer_before = in_service(outer);
    interrupts_enable();
    interrupt(inner);
    interrupts_disable();
    interrupt_end(outer);
    outer_after = in_service(outer);
}

static void end_nothing(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    note(regs, error_code, vector);
    for (unsigned other = 0; other < VECTORS_COUNT; other++)
        if (is_interrupt(other) && other != outer)
            interrupt_end(other);
    outer_meanwhile = in_service(outer);
    local_apic_write(APIC_END_OF_INTERRUPT, 0);
}

TEST(end_of_interrupt)
{
    free_apic();
    outer = vector_of_class(4);
    inner = vector_of_class(9);
    forget();
    trap_set_handler(outer, end_outer);
    trap_set_handler(inner, end_inner);
    interrupt(outer);
    report_count(seen.count, 2, "interrupts, one of them within the other");
    report(outer_before, "vector %u is in service while its handler runs", outer);
    report(inner_before, "vector %u, of a higher priority, is in service too", inner);
    report(!inner_after, "vector %u is in service no more after interrupt_end(%u)", inner, inner);
    report(outer_meanwhile, "vector %u is still in service then", outer);
    report(!outer_after, "vector %u is in service no more after interrupt_end(%u)", outer, outer);

    free_apic();
    trap_set_handler(inner, NULL);
    trap_set_handler(outer, end_nothing);
    outer_meanwhile = false;
    interrupt(outer);
    trap_set_handler(outer, NULL);
    report(outer_meanwhile,
           "vector %u is still in service after interrupt_end of vectors that are not", outer);
}

// ---- what do_irq does -----------------------------------------------------------------------------

static struct {
    unsigned count;
    void *context;
    u64 cs;
    bool enabled, served; // interrupts on; in service
} handled;

static unsigned handled_vector;
static bool claim; // what the handler returns

static bool handle(struct pt_regs *regs, void *context)
{
    handled.count++;
    handled.context = context;
    handled.cs = regs ? regs->cs : 0;
    handled.enabled = interrupts_enabled();
    handled.served = in_service(handled_vector);
    return claim;
}

static void prepare(unsigned vector)
{
    free_apic();
    memset(&handled, 0, sizeof(handled));
    handled_vector = vector;
    claim = true;
}

static void request(unsigned vector, irq_handler *handler)
{
    prepare(vector);
    report_equal(irq_request(vector, "test", handler, &handled), 0, "irq_request");
}

static u64 total(void)
{
    u64 sum = 0;

    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        sum += irqs[vector].count;
    return sum;
}

TEST(counts)
{
    unsigned vector = vector_of_class(6), times = 3 + test_random() % 8;
    u64 before = irqs[vector].count, all = total();

    request(vector, handle);
    for (unsigned i = 0; i < times; i++)
        interrupt(vector);
    report_count(handled.count, times, "calls of the handler of vector %u", vector);
    report_count(irqs[vector].count - before, times, "count of vector %u", vector);
    report_count(total() - all, times, "counts of all vectors");
    report_equal(handled.context, &handled, "context given to the handler");
    report_equal(handled.cs, KERNEL_CS, "cs in the regs given to the handler");
    report(!handled.enabled, "interrupts are off in the handler");
    report(!in_service(vector), "vector %u is in service no more when its handler has returned",
           vector);
    irq_release("test");
}

TEST(released)
{
    unsigned vector = vector_of_class(6);
    u64 before = irqs[vector].count;

    request(vector, handle);
    report_equal(irq_request(vector, "other", handle, NULL), -EBUSY, "a vector that is taken");
    report_equal(irq_request(vector + 1, "test", handle, NULL), -EBUSY, "a name that is taken");
    report_equal(irq_request(VECTOR_GP, "other", handle, NULL), -EINVAL, "an exception's vector");
    report_equal(irq_request_line(ISA_LINES, "other", handle, NULL), -EINVAL, "line 16");
    interrupt(vector);
    report_equal(irq_release("test"), 0, "releasing it");
    report_equal(irq_release("test"), -ENOENT, "releasing it again");
    interrupt(vector);
    report_count(handled.count, 1, "calls of the handler, which was released after one");
    report_count(irqs[vector].count - before, 2, "count of the vector");
}

// A higher priority first: without its end, the lower ones would never come.
TEST(unregistered)
{
    unsigned high = vector_of_class(13), low = vector_of_class(5);
    u64 count_high = irqs[high].count, count_low = irqs[low].count;

    irqs[high].reported = false;
    request(low, handle);
    interrupt(high);
    interrupt(high);
    report_count(irqs[high].count - count_high, 2, "count of vector %u, which nobody has", high);
    report(irqs[high].reported, "vector %u is reported", high);
    report(!in_service(high), "vector %u is in service no more", high);
    interrupt(low);
    report_count(irqs[low].count - count_low, 1, "count of vector %u, of a lower priority", low);
    report_count(handled.count, 1, "calls of its handler");
    irq_release("test");
}

// ---- spurious interrupts --------------------------------------------------------------------------

static bool served_before; // in service when the handler began

static bool serve_spurious(struct pt_regs *regs, void *context)
{
    served_before = in_service(handled_vector);
    int_spurious();
    int_pic_7();
    int_pic_15();
    return handle(regs, context);
}

TEST(spurious)
{
    unsigned vector = vector_of_class(7);
    u64 count = irqs[VECTOR_SPURIOUS].count, held = irqs[vector].count;
    u64 pic_7 = irqs[VECTOR_PIC + 7].count, pic_15 = irqs[VECTOR_PIC + 15].count;

    request(vector, serve_spurious);
    interrupt(vector);
    report_count(irqs[VECTOR_SPURIOUS].count - count, 1, "count of the spurious vector");
    report_count(irqs[VECTOR_PIC + 7].count - pic_7, 1, "count of the first PIC's spurious vector");
    report_count(irqs[VECTOR_PIC + 15].count - pic_15, 1,
                 "count of the second PIC's spurious vector");
    report(served_before, "vector %u is in service when its handler begins", vector);
    if (served_before)
        report(handled.served, "vector %u is in service after spurious ones within it", vector);
    report_count(irqs[vector].count - held, 1, "its count");

    // One that the APIC makes: its request is with the CPU already when the priority rises. An APIC may
    // also take the request back; in both cases it stays pending.
    count = irqs[VECTOR_SPURIOUS].count;
    interrupts_disable();
    interrupt(vector);
    local_apic_write(APIC_TASK_PRIORITY, 0xf0);
    interrupts_enable();
    let_strike();
    report(irqs[VECTOR_SPURIOUS].count - count <= 1, "at most one spurious interrupt");
    report_count(irqs[vector].count - held, 1, "count of vector %u below the task priority",
                 vector);
    local_apic_write(APIC_TASK_PRIORITY, 0);
    let_strike();
    report_count(irqs[vector].count - held, 2, "count of vector %u, which was held back", vector);
    irq_release("test");
}

// ---- priorities -----------------------------------------------------------------------------------

enum { STEPS = 8 };
static unsigned steps;
static u64 step[STEPS];

static void reached(u64 what)
{
    if (steps < STEPS)
        step[steps] = what;
    steps++;
}

static unsigned middle, same, high, low;

// Lets others in: one of a higher priority, one of its own, one of a lower.
static bool middle_handler(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    reached(middle);
    report(in_service(middle), "vector %u is in service while its handler runs", middle);
    interrupts_enable();
    interrupt(same);
    interrupt(low);
    interrupt(high);
    interrupts_disable();
    reached(middle + VECTORS_COUNT);
    return true;
}

static bool other_handler(struct pt_regs *regs, void *context)
{
    (void)regs;
    reached((u64)context);
    return true;
}

TEST(priorities)
{
    middle = vector_of_class(9);
    same = middle & 0xf0; // of the same class
    high = vector_of_class(11);
    low = vector_of_class(5);
    u64 expected[] = { middle, high, middle + VECTORS_COUNT, same, low };

    free_apic();
    steps = 0;
    irq_request(middle, "middle", middle_handler, NULL);
    irq_request(same, "same class", other_handler, (void *)(u64)same);
    irq_request(high, "higher", other_handler, (void *)(u64)high);
    irq_request(low, "lower", other_handler, (void *)(u64)low);
    interrupt(middle);
    report_count(steps, array_length(expected), "steps: handlers begun, and the end of the first");
    for (unsigned i = 0; i < array_length(expected) && i < steps; i++)
        report_equal(step[i], expected[i], "vector of step %u (0x100 more: the end of its handler)",
                     i + 1);
    irq_release("middle");
    irq_release("same class");
    irq_release("higher");
    irq_release("lower");
}

// ---- devices that nobody knows --------------------------------------------------------------------

TEST(nobody_cared)
{
    unsigned vector = vector_of_class(6);

    request(vector, handle);
    claim = false;
    for (unsigned i = 0; i < IRQ_STUCK - 1; i++)
        interrupt(vector);
    claim = true;
    interrupt(vector);
    report_count(irqs[vector].unclaimed, 0, "interrupts in a row, after one that was handled");
    claim = false;
    for (unsigned i = 0; i < IRQ_STUCK; i++)
        interrupt(vector);
    report_count(irqs[vector].unclaimed, IRQ_STUCK, "interrupts in a row that nobody cared for");
    report_count(handled.count, 2 * IRQ_STUCK, "calls of the handler");
    irq_release("test");
}

// ---- lines of devices -----------------------------------------------------------------------------

TEST(redirection)
{
    static const struct {
        const char *name;
        u16 flags;
        u64 bits;
    } cases[] = {
        { "as the bus has it", 0, 0 },
        { "edge, active high", INTI_EDGE | INTI_ACTIVE_HIGH, 0 },
        { "level, active high", INTI_LEVEL | INTI_ACTIVE_HIGH, IO_APIC_LEVEL },
        { "edge, active low", INTI_EDGE | INTI_ACTIVE_LOW, IO_APIC_ACTIVE_LOW },
        { "level, active low", INTI_LEVEL | INTI_ACTIVE_LOW, IO_APIC_LEVEL | IO_APIC_ACTIVE_LOW },
        { "level", INTI_LEVEL, IO_APIC_LEVEL },
    };

    for (unsigned i = 0; i < array_length(cases); i++) {
        unsigned vector = vector_of_class(3 + i);
        u8 id = (u8)test_random();

        report_bits(io_apic_entry(vector, cases[i].flags, id),
                    vector | cases[i].bits | (u64)id << IO_APIC_DESTINATION,
                    "entry for vector 0x%x, APIC 0x%x, %s", vector, id, cases[i].name);
    }
}

// The entry that the firmware's table asks for, by the functions that the test `redirection` checks.
// Where it is another one, nobody knows what the device would raise.
static bool entry_right(unsigned line, unsigned vector)
{
    const struct isa_override *override = madt_override(line);
    unsigned input = override ? override->input : line;
    u8 id = (u8)(local_apic_read(APIC_ID) >> 24);
    u64 entry = io_apic_read_entry(input) & ~IO_APIC_READ_ONLY;
    u64 expected = io_apic_entry(vector, override ? override->flags : 0, id);

    report_bits(entry, expected, "entry of input %u, which line %u is wired to", input, line);
    return entry == expected;
}

static bool is_masked(unsigned line)
{
    const struct isa_override *override = madt_override(line);

    return io_apic_read_entry(override ? override->input : line) & IO_APIC_MASKED;
}

// The PIT's line is one that the firmware says is wired otherwise.
TEST(timer_line)
{
    unsigned vector = VECTOR_LINES + PIT_LINE;
    u64 before = irqs[vector].count;

    prepare(vector);
    pit_count_down(PIT_INTERRUPTS, PIT_MOST); // silent until the test wants it
    report_equal(irq_request_line(PIT_LINE, "test", handle, NULL), 0, "irq_request_line");
    for (unsigned shot = 1; entry_right(PIT_LINE, vector) && shot <= 3; shot++) {
        pit_count_down(PIT_INTERRUPTS, SHOT);
        wait_for(&handled.count, shot);
        report_count(handled.count, shot, "calls of the handler after shot %u of the PIT", shot);
    }
    irq_release("test");
    report(is_masked(PIT_LINE), "line 0 is masked when it is released");
    pit_count_down(PIT_INTERRUPTS, SHOT);
    wait_for(&handled.count, 4);
    report_count(irqs[vector].count - before, 3, "count of the vector, released after three shots");
}

// Lines that the firmware has laid down otherwise than the bus, 9 for instance; open for a moment.
TEST(other_lines)
{
    unsigned others = 0;

    interrupts_disable();
    for (unsigned line = 0; line < ISA_LINES; line++) {
        const struct isa_override *override = madt_override(line);

        if (!override || !override->flags)
            continue;
        others++;
        interrupt_line_open(line, VECTOR_LINES + line);
        entry_right(line, VECTOR_LINES + line);
        interrupt_line_close(line);
        report(is_masked(line), "line %u is masked when it is closed", line);
    }
    interrupts_enable();
    if (!others)
        skip("the firmware lays down no line otherwise than the bus");
}

// While it is on, what the kernel prints does not go out.
static void loopback(bool on)
{
    serial_flush();
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS | (on ? MCR_OUT2 | MCR_LOOP : 0));
}

// One byte at a time: each is one interrupt.
TEST(serial_line)
{
    enum { BYTES = 40 };
    u64 before = irqs[VECTOR_LINES + COM1_LINE].count;
    unsigned wrong = 0;

    report_equal(serial_receive_start(), 0, "serial_receive_start");
    if (!entry_right(COM1_LINE, VECTOR_LINES + COM1_LINE)) {
        serial_receive_stop();
        return;
    }
    loopback(true);
    for (unsigned i = 0; i < BYTES; i++) {
        u8 byte = (u8)test_random();
        int got = -1;

        out8(COM1 + UART_DATA, byte);
        for (unsigned turn = 0; turn < TURNS && got < 0; turn++)
            got = serial_receive();
        wrong += got != byte;
    }
    serial_receive_stop();
    loopback(false);
    report_count(wrong, 0, "bytes that came in wrong, of %u", BYTES);
    report_count(irqs[VECTOR_LINES + COM1_LINE].count - before, BYTES,
                 "count of the line's vector");
}

// A device that holds its line and a handler that does not know of it: the line is level-triggered for
// this test, so each end of interrupt is followed by the next interrupt.
TEST(stuck_line)
{
    unsigned vector = VECTOR_LINES + COM1_LINE;
    u64 before = irqs[vector].count;
    bool masked;

    prepare(vector);
    claim = false;
    irq_request_line(COM1_LINE, "test", handle, NULL);
    if (!entry_right(COM1_LINE, vector)) {
        irq_release("test");
        return;
    }
    loopback(true);
    io_apic_write_entry(COM1_LINE, io_apic_read_entry(COM1_LINE) | IO_APIC_LEVEL);
    out8(COM1 + UART_IER, IER_RECEIVED);
    out8(COM1 + UART_DATA, 'x');
    wait_for(&handled.count, IRQ_STUCK + 1);
    masked = is_masked(COM1_LINE);
    out8(COM1 + UART_IER, 0);
    in8(COM1 + UART_DATA);
    loopback(false);
    irq_release("test");
    report_count(irqs[vector].count - before, IRQ_STUCK, "count of a line that is held");
    report(masked, "the line is masked then");
}

// ---- time -----------------------------------------------------------------------------------------

enum { HLT = 0xf4 };

static volatile bool woken, rescued;
static u64 interrupted_rip;

static void wake_up(struct timer *timer)
{
    (void)timer;
    woken = true;
}

static void disturb(struct timer *timer)
{
    (void)timer;
}

static void rescue(struct timer *timer)
{
    (void)timer;
    woken = rescued = true;
}

static void note_timer(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    interrupted_rip = regs->rip;
    do_irq(regs, error_code, vector);
}

// Sleeps until wake_up, `delay` from now; after `disturbed`, if that is not 0, another interrupt comes.
// Returns false if it took until the rescue, which no sleeper should need.
static bool sleep_until_woken(u64 disturbed, u64 delay)
{
    struct timer rescuer, disturber, waker;
    u64 start;

    woken = rescued = false;
    timer_start(&rescuer, time_after(delay + MILLISECOND), rescue);
    start = time_ns();
    if (disturbed)
        timer_start(&disturber, start + disturbed, disturb);
    timer_start(&waker, start + delay, wake_up);
    idle_until(&woken);
    timer_stop(&rescuer);
    timer_stop(&disturber);
    timer_stop(&waker);
    return !rescued;
}

TEST(idle)
{
    struct timer rescuer;
    u64 before;
    bool enabled;

    free_apic();
    woken = true;
    rescued = false;
    timer_start(&rescuer, time_ns() + MILLISECOND, rescue);
    idle_until(&woken);
    enabled = interrupts_enabled();
    timer_stop(&rescuer);
    report(!rescued, "it does not sleep when *woken is set already");
    report(enabled, "interrupts are on when it returns at once");

    before = irqs[VECTOR_TIMER].count;
    trap_set_handler(VECTOR_TIMER, note_timer);
    sleep_until_woken(100 * MICROSECOND, 200 * MICROSECOND);
    enabled = interrupts_enabled();
    trap_set_handler(VECTOR_TIMER, NULL);
    report(enabled, "interrupts are on when it returns after an interrupt");
    report(woken, "*woken is set when it returns, after an interrupt that did not set it");
    report_count(irqs[VECTOR_TIMER].count - before, 2, "interrupts meanwhile");
    report_equal(*(const u8 *)(interrupted_rip - 1), HLT,
                 "instruction before the one that was "
                 "interrupted: HLT");
}

enum { STEP = 64, STRIKES = 1250 };

// The interrupt strikes at every instruction from before idle_until to its HLT: one takes 64 ns of
// guest time in QEMU, and more in Bochs.
TEST(no_lost_wake_up)
{
    enum { MEANWHILE = 200 * MICROSECOND }; // it sleeps by then
    unsigned lost = 0, lost_again = 0;
    u64 first = 0;

    for (u64 delay = 0; delay < STRIKES * STEP; delay += STEP) {
        if (sleep_until_woken(0, delay))
            continue;
        if (!lost++)
            first = delay;
    }
    report_count(lost, 0, "wake-ups lost, of %u; the first one %lu ns after the timer was set",
                 STRIKES, first);

    // From HLT, which an interrupt that is not meant has ended, to the next HLT.
    for (u64 delay = 0; delay < STRIKES * STEP && !lost; delay += STEP)
        lost_again += !sleep_until_woken(MEANWHILE, MEANWHILE + delay);
    report_count(lost_again, 0, "wake-ups lost behind an interrupt that was not meant, of %u",
                 STRIKES);
}

// The clock's own rate was measured by the PIT; here the PIT measures each sleep again.
TEST(sleep)
{
    enum { TIMES = 8, TICK = 100 * MICROSECOND, READING = 20 * MICROSECOND };

    for (unsigned i = 0; i < TIMES; i++) {
        u64 asked = 100 * MICROSECOND + test_random() % (20 * MILLISECOND);
        u64 interrupts = total(), start, slept, by_pit;
        u16 left;

        pit_count_down(PIT_MEASURES, PIT_MOST);
        left = pit_left(PIT_MEASURES);
        start = time_ns();
        sleep_ns(asked);
        slept = time_ns() - start;
        by_pit = (u64)(left - pit_left(PIT_MEASURES)) * SECOND / PIT_HZ;
        report(slept >= asked, "a sleep of %lu ns is not shorter: %lu ns", asked, slept);
        report(slept < asked + TICK, "a sleep of %lu ns is longer by less than a tick: %lu ns",
               asked, slept);
        report(by_pit + READING > slept && by_pit < slept + READING,
               "a sleep of %lu ns takes %lu ns by the clock, and so by the PIT: %lu ns", asked,
               slept, by_pit);
        report_count(total() - interrupts, 1, "interrupts in a sleep of %lu ns", asked);
    }
}
