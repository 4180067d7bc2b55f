// What the drawings of docs/entry.md show; `make docs` runs each of these and looks at the stack.

#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/stack.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/traps.h>

// In triggers.asm: each runs one instruction on the drawn stack, with rdi and rsi as given.
typedef void draw(u64 rdi, u64 rsi);
draw draw_breakpoint, draw_fault, draw_fixup;
extern char drawn_stack[];

enum {
    RDI = 0x0d1d1d1d, // where the instruction does not care
    RSI = 0x05151515,
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
