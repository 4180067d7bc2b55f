// What the drawings of docs/entry.md show; `make docs` runs each of these and looks at the stack.

#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/stack.h>
#include <kernel/memory.h>
#include <kernel/test.h>
#include <kernel/traps.h>

// In triggers.asm: each runs one instruction on the drawn stack, with rdi and rsi as given.
void draw_breakpoint(u64 rdi, u64 rsi), draw_fault(u64 rdi, u64 rsi);
extern char drawn_stack[];

enum { RDI = 0x0d1d1d1d, RSI = 0x051515 }; // where the instruction does not care

static struct stack drawn = { .name = "interrupted stack" };

static void on_drawn_stack(void (*draw)(u64, u64), u64 rdi, u64 rsi)
{
    if (!drawn.low) {
        drawn.low = drawn_stack;
        drawn.top = drawn_stack + PAGE_SIZE;
        stack_register(&drawn);
    }
    draw(rdi, rsi);
}

TEST(breakpoint)
{
    on_drawn_stack(draw_breakpoint, RDI, RSI);
}

static void map_page(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    paging_map(kernel_tables, regs->rdi, direct_map_physical(pages_allocate(1)), KERNEL_DATA);
}

TEST(fault)
{
    trap_set_handler(VECTOR_PF, map_page);
    on_drawn_stack(draw_fault, 0x400000, RSI);
    trap_set_handler(VECTOR_PF, NULL);
}
