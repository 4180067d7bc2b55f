// What the drawings of docs/entry.md show; `make docs` runs each of these and looks at the stack.

#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/machine.h>
#include <arch/stack.h>
#include <kernel/irq.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/traps.h>

// In triggers.asm: each runs one instruction on the drawn stack, with rdi and rsi as given.
typedef void draw(u64 rdi, u64 rsi);
draw draw_breakpoint, draw_fault, draw_fixup, draw_overflow, draw_command;
noreturn void draw_again(void);
extern char drawn_stack[];

enum {
    RDI = 0x0d1d1d1d, // where the instruction does not care
    RSI = 0x05151515,
    INTERRUPT = 0x41,
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
TEST(nmi_twice)
{
    trap_set_handler(VECTOR_NMI, again);
    on_drawn_stack(draw_command, command_register(), COMMAND_ASSERT | COMMAND_NMI);
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
