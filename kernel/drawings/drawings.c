// What the drawings of docs/entry.md show; `make docs` runs each of these and looks at the stack.

#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/machine.h>
#include <arch/segments.h>
#include <arch/stack.h>
#include <kernel/flat.h>
#include <kernel/irq.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/traps.h>

// In triggers.asm: each runs one instruction on the drawn stack, with rdi and rsi as given.
typedef void draw(u64 rdi, u64 rsi);
draw draw_breakpoint, draw_fault, draw_fixup, draw_overflow, draw_command, draw_machine_check;
noreturn void draw_again(void);
extern char drawn_stack[];

extern const struct flat program_int3, program_step, program_syscall, program_int80,
    program_sysenter; // programs.asm

enum {
    RDI = 0x0d1d1d1d, // where the instruction does not care
    RSI = 0x05151515,
    INTERRUPT = 0x41,
    BEYOND_THE_GDT = 0xfffb,
};
#define NOT_CANONICAL 0x8000000000000000ul

static struct stack drawn = { .name = "interrupted stack" };

static void on_drawn_stack(draw *what, u64 rdi, u64 rsi)
{
    if (!drawn.low) {
        drawn.low = drawn_stack;
        drawn.top = drawn_stack + PAGE_SIZE;
        stack_register(&drawn);
    }
    what(rdi, rsi);
}

TEST(breakpoint)
{
    on_drawn_stack(draw_breakpoint, RDI, RSI);
}

TEST(fault)
{
    static const struct region region = {
        .start = REGIONS_BASE,
        .end = REGIONS_BASE + PAGE_SIZE,
        .rights = ACCESS_READ | ACCESS_WRITE,
    };

    region_add(&kernel_space, &region);
    on_drawn_stack(draw_fault, region.start, RSI);
}

TEST(fixup)
{
    on_drawn_stack(draw_fixup, NOT_CANONICAL, RSI);
}

// The machine ends here.
TEST(overflow)
{
    on_drawn_stack(draw_overflow, (u64)boot_stack, RSI);
}

// Where the local APIC takes a command for this CPU, as soon as its lower half is written.
static u64 command_register(void)
{
    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
    return (u64)local_apic_register(APIC_COMMAND_LOW);
}

static void nothing(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
}

TEST(nmi)
{
    trap_set_handler(VECTOR_NMI, nothing);
    on_drawn_stack(draw_command, command_register(), COMMAND_ASSERT | COMMAND_NMI);
    trap_set_handler(VECTOR_NMI, NULL);
}

static void again(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    trap_set_handler(vector, nothing);
    (void)regs;
    (void)error_code;
    draw_again();
}

// The machine ends here, for the second way in overwrites the first one's frame.
TEST(entered_twice)
{
    trap_set_handler(VECTOR_MC, again);
    on_drawn_stack(draw_machine_check, RDI, RSI);
}

static bool claim(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    return true;
}

TEST(interrupt)
{
    report_equal(irq_request(INTERRUPT, "drawing", claim, NULL), 0, "irq_request");
    on_drawn_stack(draw_command, command_register(), COMMAND_ASSERT | INTERRUPT);
    irq_release("drawing");
}

// ---- from ring 3 ---------------------------------------------------------------------------------------

static struct task *load(const struct flat *flat)
{
    struct task *task = process_new("drawn");

    report(task && flat_load(task, flat) == 0, "a program");
    return task;
}

static void run(const struct flat *flat)
{
    struct task *task = load(flat);

    if (!task)
        return;
    task_run(task);
    process_free(task);
}

TEST(program_exception)
{
    trap_set_handler(VECTOR_BP, nothing);
    run(&program_int3);
    trap_set_handler(VECTOR_BP, NULL);
}

TEST(program_step)
{
    run(&program_step);
}

TEST(program_syscall)
{
    run(&program_syscall);
}

TEST(program_int80)
{
    run(&program_int80);
}

// 32-bit code, whose stack lies where 32 bits reach.
TEST(program_sysenter)
{
    struct task *task = load(&program_sysenter);

    if (!task)
        return;
    task_regs(task)->cs = USER32_CS;
    task_regs(task)->rsp = FLAT_DATA + FLAT_DATA_SIZE;
    task_run(task);
    process_free(task);
}

static void spoil(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    regs->cs = BEYOND_THE_GDT;
}

// IRETQ is to go back with a selector that is none.
TEST(program_refused)
{
    trap_set_handler(VECTOR_BP, spoil);
    run(&program_int3);
    trap_set_handler(VECTOR_BP, NULL);
}
