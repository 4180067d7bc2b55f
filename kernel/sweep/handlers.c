// What the kernel does about the exceptions of the doors, and all else that the programs need of it.

#include <arch/segments.h>
#include <kernel/compat_page.h>
#include <kernel/flat.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/sweep/sweep.h>
#include <kernel/traps.h>

#define NOT_A_SEGMENT 0xfffbu // a selector beyond the GDT's end, with RPL 3

extern const char sweep_programs_end[];

struct task *sweep_task;

static const struct flat programs = { sweep_programs, sweep_programs_end };

static void skip(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    regs->rip += sweep_current->skip;
    if (sweep_current->refused)
        regs->cs = NOT_A_SEGMENT;
}

// A #GP is the program's, the exception table's, or that of the IRETQ above.
static void skip_or_mend(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    if (sweep_current->foreseen)
        do_bug(regs, error_code, vector);
    else if (sweep_current->refused)
        regs->cs = USER_CS;
    else
        skip(regs, error_code, vector);
}

static void go_on(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
}

static bool claim(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    return true;
}

void sweep_prepare(void)
{
    static const struct region page = {
        .start = SWEEP_PAGE,
        .end = SWEEP_PAGE + PAGE_SIZE,
        .rights = ACCESS_READ | ACCESS_WRITE,
    };

    for (u64 *word = sweep_stack_used; word != sweep_stack_end; word++)
        *word = (u64)word;
    sweep_task = process_new("sweep");
    if (!sweep_task || compat_page_map(sweep_task->space) != 0 ||
        flat_load(sweep_task, &programs) != 0 || region_add(&kernel_space, &page) != 0 ||
        irq_request(VECTOR_SWEEP, "sweep", claim, NULL) != 0)
        panic("the sweep cannot begin");
    trap_set_handler(VECTOR_UD, skip);
    trap_set_handler(VECTOR_GP, skip_or_mend);
    trap_set_handler(VECTOR_BP, go_on);
}
