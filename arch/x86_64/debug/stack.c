// Kernel stacks by name.

#include <arch/layout.h>
#include <arch/stack.h>

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

// An empty stack's RSP is its top, which may be the first byte of the next one's guard page.
const struct stack *stack_in_use(u64 rsp)
{
    for (const struct stack *stack = stacks; stack; stack = stack->next)
        if (rsp >= (u64)stack->low && rsp <= (u64)stack->top)
            return stack;
    return stack_guarded_by(rsp);
}

bool stack_pushes_to(u64 rsp, u64 address)
{
    return rsp - address <= 6 * sizeof(u64) + 15;
}
