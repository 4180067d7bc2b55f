// How long a program may run: the timer ends it.

#include <arch/interrupts.h>
#include <arch/percpu.h>
#include <kernel/hostile/hostile.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <kernel/traps.h>

enum { MEASURED = 1 << 16, AGAIN = 16, PATIENCE = 10000 };

static struct timer timer;
static u64 ns_for_measured; // how long so many instructions take
static u64 again;           // ns from one look at a program that is in the kernel to the next
static unsigned late;       // how often it was there

// Not at regular intervals: a program that calls over and over might always be in the kernel then.
static void expired(struct timer *which)
{
    if (++late > PATIENCE)
        panic("a hostile program's call does not come to its end");
    timer_start(which, time_after(again + late % 64 * again / 64), expired);
}

// It has been in the kernel if it goes on at all: then a later interrupt finds it outside.
static void end_overdue(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct task *task = this_cpu()->current;

    do_irq(regs, error_code, vector);
    if (!late || !task || !(regs->cs & RPL_MASK))
        return;
    task->end = (struct task_end){ .ended = true, .vector = vector, .regs = *regs };
    task_stop();
}

void budget_prepare(void)
{
    u64 begun = time_ns(), left = MEASURED / 2;

    asm volatile("0: dec %0\n\tjnz 0b" : "+r"(left)::"cc");
    ns_for_measured = time_ns() - begun;
    trap_set_handler(VECTOR_TIMER, end_overdue);
}

void budget_start(u64 instructions)
{
    u64 ns = instructions * ns_for_measured / MEASURED;

    late = 0;
    again = ns / AGAIN + 1;
    timer_start(&timer, time_after(ns), expired);
}

void budget_stop(void)
{
    timer_stop(&timer);
    late = 0;
}
