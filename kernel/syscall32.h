// System calls with i386's numbers and registers.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

enum { SYSCALL32_ARGUMENTS = 6 };

// What a program asks for. The functions that make calls are those of 64-bit code and look at all bits of an
// argument.
struct syscall32 {
    u32 number;
    u64 arguments[SYSCALL32_ARGUMENTS];
};

// The doors call these with the program's registers and interrupts off; what they return goes to the program
// in eax, and they are off again. int 0x80:
long do_syscall32(struct pt_regs *regs);

// SYSENTER and SYSCALL: rip does not say yet where the program goes on, and what ebp had, the sixth argument, lies
// at its esp.
long do_fast_syscall32(struct pt_regs *regs);

// Makes the call: the result, or a negative errno; -ENOSYS for a number that has none.
long syscall32_make(const struct syscall32 *call);

// Somebody who is told of every call in place of syscall32_make(), and may make it: what it returns goes to
// the program. NULL: nobody.
typedef long syscall32_tracer(struct pt_regs *regs, const struct syscall32 *call);
extern syscall32_tracer *syscall32_tracer_now;

// One that prints each call as strace does; the kernel's command line asks for it with trace=on. strace32.c
syscall32_tracer strace32;
