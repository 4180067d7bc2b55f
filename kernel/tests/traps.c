// The kernel's own tests: exceptions where they are awkward, and panics that something comes into.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/injector.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/safe.h>
#include <arch/segments.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/regions.h>
#include <kernel/symbols.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/traps.h>

#define NOWHERE ((const char *)8)

static const struct exception_row *row_in(const void *function)
{
    for (const struct exception_row *row = exception_table_start; row != exception_table_end; row++)
        if (symbol_at(row->instruction) == symbol_at((u64)function))
            return row;
    panic("no row");
}

TEST(foreseen)
{
    const struct exception_row *row = row_in(read_safe);
    struct pt_regs regs = { .cs = KERNEL_CS, .rip = row->instruction };

    do_bug(&regs, 0, VECTOR_GP);
    report_place(regs.rip, row->fixup, "#GP at a row: where it goes on");
}

// What reads is well, and has not been stopped by anything that it did.
TEST(breakpoint_on_a_row)
{
    u64 good = test_pattern(), read = 0;

    breakpoint_set(row_in(read_safe)->instruction);
    report_error(read_safe((u64)&good, &read), 0, "read_safe with a breakpoint on its row");
    report_equal(read, good, "what it has read");
}

// Ends in a panic: a row is no program's.
TEST(program_on_a_row)
{
    struct pt_regs regs = { .cs = USER_CS, .rip = row_in(read_safe)->instruction };

    do_bug(&regs, 0, VECTOR_GP);
}

static u64 stub_of(unsigned vector)
{
    const struct entry_stub *stub = entry_stubs_start;

    while (stub->vector != vector)
        stub++;
    return stub->address;
}

static int fault_in_debug;

static void fault_elsewhere(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 value;

    (void)regs;
    (void)error_code;
    (void)vector;
    breakpoint_clear();
    fault_in_debug = read_safe((u64)NOWHERE, &value);
}

// A #DB with a page fault of its own, at the first instruction of another page fault's way.
TEST(fault_address_kept)
{
    struct region region = {
        .start = REGIONS_BASE,
        .end = REGIONS_BASE + PAGE_SIZE,
        .rights = ACCESS_READ | ACCESS_WRITE,
    };
    trap_handler *before = trap_set_handler(VECTOR_DB, fault_elsewhere);

    report_error(region_add(&kernel_space, &region), 0, "region_add");
    breakpoint_set(stub_of(VECTOR_PF));
    *(volatile u8 *)region.start = 1;
    trap_set_handler(VECTOR_DB, before);
    report_error(fault_in_debug, -EFAULT, "reading what is not there, in the handler of #DB");
    report_equal(*(volatile u8 *)region.start, 1, "the byte that was written");
}

static void turn_on(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    interrupts_enable();
}

// Ends in a panic.
TEST(interrupts_left_on)
{
    trap_set_handler(VECTOR_BP, turn_on);
    asm volatile("int3");
}

static void complain(struct timer *timer)
{
    (void)timer;
    panic("the timer's");
}

// Ends in a panic, and in the first one only, however long its report takes.
TEST(panic_with_a_timer)
{
    static struct timer timer;

    timer_start(&timer, time_ns() + MILLISECOND, complain);
    panic("the test's own, with a timer that is due in the middle of its report");
}

static void panic_again(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    panic("%s", NOWHERE);
}

// Ends, although every report faults where it begins.
TEST(panic_without_end)
{
    trap_set_handler(VECTOR_PF, panic_again);
    panic("%s", NOWHERE);
}

// Stacks lie one above the other, so the top of one is where the guard of the next begins.
TEST(stack_in_use)
{
    for (unsigned i = 0; i < IST_STACKS; i++) {
        const struct stack *stack = &ist_stacks[i];

        report(stack_in_use((u64)stack->top) == stack, "nothing on the %s yet", stack->name);
        report(stack_in_use((u64)stack->top - 8) == stack, "8 bytes on the %s", stack->name);
        report(stack_in_use((u64)stack->low) == stack, "the %s is full", stack->name);
        report(stack_in_use((u64)stack->low - 8) == stack, "the %s has overflowed", stack->name);
    }
}

// Ends in a panic: what is injected must not be gone on from.
TEST(machine_check_that_needs_action)
{
    if (!injector_knock())
        skip("nobody injects a machine check here");
}
