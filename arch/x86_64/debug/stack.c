// Kernel stacks by name, and backtraces.

#include <arch/layout.h>
#include <arch/stack.h>
#include <kernel/print.h>
#include <kernel/symbols.h>

enum { MOST_FRAMES = 32 };

static struct stack boot = {
    .name = "boot stack",
    .low = boot_stack,
    .top = boot_stack + BOOT_STACK_SIZE,
    .guard = boot_stack_guard,
};
static struct stack *stacks = &boot;

void stack_register(struct stack *stack)
{
    stack->next = stacks;
    stacks = stack;
}

const struct stack *stack_at(u64 address)
{
    for (const struct stack *stack = stacks; stack; stack = stack->next)
        if (address >= (u64)stack->low && address < (u64)stack->top)
            return stack;
    return NULL;
}

const struct stack *stack_guarded_by(u64 address)
{
    for (const struct stack *stack = stacks; stack; stack = stack->next)
        if (stack->guard && address - (u64)stack->guard < PAGE_SIZE)
            return stack;
    return NULL;
}

// What a function with a frame pointer leaves at rbp. SysV ABI for x86-64, section 3.2.2.
struct frame {
    const struct frame *caller;
    u64 return_address;
};

static bool holds(const struct stack *stack, const void *at, size_t size)
{
    return stack && (const char *)at >= stack->low && (const char *)at + size <= stack->top;
}

static bool in_entry_text(u64 address)
{
    return address >= (u64)entry_text_start && address < (u64)entry_text_end;
}

// Entry code calls C with its struct pt_regs one slot above the return address (entry/frame.inc).
static const struct pt_regs *entry_frame(const struct frame *frame)
{
    return (const struct pt_regs *)((const u64 *)(frame + 1) + 1);
}

static void print_line(u64 address)
{
    print("    ");
    symbol_print(address);
    print("\n");
}

void backtrace_print(const struct pt_regs *regs)
{
    const struct stack *stack = stack_at(regs->rsp);
    const struct frame *frame = (const struct frame *)regs->rbp;

    print_line(regs->rip);
    for (int i = 0; i < MOST_FRAMES && holds(stack, frame, sizeof(*frame)); i++) {
        const struct frame *caller = frame->caller;
        // A return address belongs to the call before it, which may be a function's last byte.
        print_line(frame->return_address - 1);
        if (in_entry_text(frame->return_address)) {
            const struct pt_regs *entered = entry_frame(frame);
            if (!holds(stack, entered, sizeof(*entered)))
                break;
            print_line(entered->rip);
        }
        if (caller <= frame)
            break;
        frame = caller;
    }
}
