// The frame of registers that every way into the kernel builds; entry/frame.inc draws it.
#pragma once

#include <arch/types.h>

// Linux's struct pt_regs for x86-64, low addresses first.
struct pt_regs {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;

    // Number of the system call, or NO_SYSTEM_CALL where there is none to restart.
    u64 orig_rax;

    // What the CPU pushes, SDM vol. 3, section 6.14.2.
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct pt_regs) == 21 * 8, "as Linux has it");

#define NO_SYSTEM_CALL ((u64)-1)
#define RPL_MASK       3u

// Fills *regs with the registers as they are where it is called; cs and ss as they are, rip the
// return address, orig_rax NO_SYSTEM_CALL.
void regs_capture(struct pt_regs *regs);

// Prints *regs, and what no frame holds: segments, GS bases and control registers, as they are now.
void regs_print(const struct pt_regs *regs);
