// Kernel stacks by name, and how the code on them got there.
#pragma once

#include <arch/regs.h>

struct stack {
    const char *name;
    const char *low, *top; // top is the first byte after it
    const char *guard;     // the page that is not mapped, directly below; NULL if there is none
    struct stack *next;
};

// Makes `stack` known, so that a report can name it. It must stay in memory.
void stack_register(struct stack *stack);

// The stack that `address` lies in, or NULL.
const struct stack *stack_at(u64 address);

// The stack in whose guard page `address` lies, or NULL: who touches it has left the stack below.
const struct stack *stack_guarded_by(u64 address);

// Prints the functions that led to where `regs` stands, innermost first: through the frame
// pointers, and across a way into the kernel by the struct pt_regs that it left on the stack.
// Reads nothing outside the stack that `regs` stands on, so a broken frame pointer ends the list.
void backtrace_print(const struct pt_regs *regs);
