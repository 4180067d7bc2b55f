// What the CPU holds of a program besides its general registers, and the way to it and back.
#pragma once

#include <arch/regs.h>
#include <arch/segments.h>
#include <arch/types.h>

struct task;

struct user_state {
    u64 fs_base, gs_base;
    u64 tls[TLS_ENTRIES]; // entries TLS_FIRST and up of the GDT
    u16 ds, es, fs, gs;
    void *fpu; // fpu_new()
};

// Takes it from the CPU, and puts it there. To be called with interrupts off. A selector that means nothing any
// more becomes null.
void user_state_save(struct user_state *state);
void user_state_load(const struct user_state *state);

// Loads GS with a program's selector, or null if that means nothing, and keeps the kernel's base. user_gs.asm
void user_gs_load(u16 selector);

// Loads those of DS, ES, FS and GS anew that name entry `index` of the GDT, which has changed. With
// interrupts off.
void user_segments_reload(unsigned index);

// What a program begins with: ring 3, 64-bit code at `rip`, its stack at `rsp`, interrupts on, and nothing
// of anybody else's in any register. user_frame.c
void user_frame_make(struct pt_regs *regs, u64 rip, u64 rsp);

// From now on the CPU changes to the stack that ends at `top`, a multiple of 16, when a program is
// interrupted. user_frame.c
void kernel_stack_use(const char *top);

// Leaves for the program whose registers lie at `regs`, on its kernel stack; its state is loaded. Comes
// back, on the stack it was called on, when somebody gives what it has put into *caller to task_leave,
// with interrupts off. run.asm
void task_enter(u64 *caller, struct pt_regs *regs);
noreturn void task_leave(u64 caller);

// The assembly of user.asm calls these two. What is wrong here would harm somebody else, later: so each is a
// panic. user_check.c
//
// A program has been interrupted; `regs` are complete.
void entered_from_user(const struct pt_regs *regs);

// A program is about to go on with what is in `regs`.
void leaving_to_user(const struct pt_regs *regs);
