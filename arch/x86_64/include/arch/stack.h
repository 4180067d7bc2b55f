// Kernel stacks by name, and how the code on them got there.
#pragma once

#include <arch/regs.h>

struct stack {
    const char *name;
    const char *low, *top; // top is the first byte after it
    const char *guard;     // the page that is not mapped, directly below; NULL if there is none
    struct stack *next;
};

// Maps a new stack of `size` bytes, a multiple of PAGE_SIZE, above a page that stays unmapped, and
// registers it; its name is there already. Returns 0, or -ENOMEM with nothing mapped. mm/stack_make.c
int stack_make(struct stack *stack, size_t size);

// Makes `stack` known, so that a report can name it. It must stay in memory.
void stack_register(struct stack *stack);

// The stack that `address` lies in, or NULL.
const struct stack *stack_at(u64 address);

// The stack in whose guard page `address` lies, or NULL: who touches it has left the stack below.
const struct stack *stack_guarded_by(u64 address);

// The stack that code with this RSP runs on, also when nothing is on it yet, and when it has overflowed
// into its guard page; or NULL.
const struct stack *stack_in_use(u64 rsp);

// Whether `address` is where the CPU pushes an exception's frame to from this RSP: up to six slots, below
// RSP rounded down to a multiple of 16.
bool stack_pushes_to(u64 rsp, u64 address);

// What a function with a frame pointer leaves at RBP. SysV ABI for x86-64, section 3.2.2.
struct frame {
    const struct frame *caller;
    u64 return_address;
};

// A walk through the functions that led to some place, innermost first.
struct walk {
    u64 address;                   // in the function: its RIP, or the last byte of its call
    const struct stack *stack;     // that the function runs on; NULL if it is none of the kernel's
    const struct frame *frame;     // its RBP; NULL for entry code
    const struct pt_regs *entered; // for entry code that has called C: what it saved; else NULL
};

// Begins where `regs` stands.
void walk_begin(struct walk *walk, const struct pt_regs *regs);

// Goes on to the caller, or from entry code to what it has interrupted. Returns false, with *walk as
// it was, where nothing more is known. Reads nothing outside known stacks, so a broken frame pointer
// ends the walk.
bool walk_next(struct walk *walk);

// Goes on to the code that a way into the kernel has interrupted, on whichever stack that ran;
// `entered` is what the way in has saved, and lies on walk->stack. stack_switch.c
void walk_to_interrupted(struct walk *walk, const struct pt_regs *entered);

// Prints the functions that led to where `regs` stands, and the name of each stack on the way.
void backtrace_print(const struct pt_regs *regs);
