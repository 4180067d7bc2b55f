// Backtraces: through the frame pointers, and across a way into the kernel by the struct pt_regs that
// it has left on the stack.

#include <arch/layout.h>
#include <arch/stack.h>
#include <kernel/print.h>
#include <kernel/symbols.h>

enum { MOST_LINES = 32 };

static bool holds(const struct stack *stack, const void *at, size_t size)
{
    return stack && (const char *)at >= stack->low && (const char *)at + size <= stack->top;
}

// Entry code calls C with its struct pt_regs one slot above the return address (entry/frame.inc).
static const struct pt_regs *entry_frame(const struct frame *frame)
{
    return (const struct pt_regs *)((const u64 *)(frame + 1) + 1);
}

void walk_begin(struct walk *walk, const struct pt_regs *regs)
{
    *walk = (struct walk){
        .address = regs->rip,
        .stack = stack_in_use(regs->rsp),
        .frame = (const struct frame *)regs->rbp,
    };
}

// Stacks grow downwards, so on one stack a walk leads only upwards; a frame pointer that says
// otherwise is broken, and would lead in a circle.
static void stay_above(struct walk *walk, const struct stack *stack, const void *last)
{
    if (walk->stack == stack && (const void *)walk->frame <= last)
        walk->frame = NULL;
}

static void cross_entry(struct walk *walk)
{
    const struct stack *stack = walk->stack;
    const struct pt_regs *entered = walk->entered;

    walk->entered = NULL;
    walk_to_interrupted(walk, entered);
    stay_above(walk, stack, entered);
}

bool walk_next(struct walk *walk)
{
    const struct frame *frame = walk->frame;

    if (walk->entered) {
        cross_entry(walk);
        return true;
    }
    if (!holds(walk->stack, frame, sizeof(*frame)))
        return false;
    // A return address belongs to the call before it, which may be a function's last byte.
    walk->address = frame->return_address - 1;
    if (in_entry_text(frame->return_address)) {
        walk->frame = NULL;
        walk->entered = entry_frame(frame);
        if (!holds(walk->stack, walk->entered, sizeof(*walk->entered)))
            walk->entered = NULL;
    } else {
        walk->frame = frame->caller;
        stay_above(walk, walk->stack, frame);
    }
    return true;
}

static void print_line(u64 address, unsigned times)
{
    print("    ");
    symbol_print(address);
    if (times > 1)
        print(", %u times", times);
    print("\n");
}

// A recursion is one line.
void backtrace_print(const struct pt_regs *regs)
{
    struct walk walk;
    bool more = true;

    walk_begin(&walk, regs);
    for (int lines = 0; more && lines < MOST_LINES; lines++) {
        struct walk here = walk;
        unsigned times = 0;

        do {
            times++;
            more = walk_next(&walk);
        } while (more && walk.address == here.address && walk.stack == here.stack);
        print_line(here.address, times);
        if (more && walk.stack != here.stack)
            print("  on %s%s\n", walk.stack ? "the " : "no stack of the kernel's",
                  walk.stack ? walk.stack->name : "");
    }
}
