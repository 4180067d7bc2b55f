// System calls: from a number and registers to a C function and back.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

// entry_syscall calls this with the program's registers, complete, and interrupts off; what it returns
// goes to the program in rax, and they are off again.
long do_syscall(struct pt_regs *regs);

// Makes the call that `regs` ask for: the result, or a negative errno; -ENOSYS for a number that has none.
long syscall_call(const struct pt_regs *regs);

// The number that `regs` ask for, and the arguments, counted from 0.
u64 syscall_number(const struct pt_regs *regs);
u64 syscall_argument(const struct pt_regs *regs, unsigned n);

// Somebody who is told of every call in place of syscall_call(), and may make it: what it returns goes to
// the program. NULL: nobody.
typedef long syscall_tracer(struct pt_regs *regs);
extern syscall_tracer *syscall_tracer_now;

// One that prints each call as strace does; the kernel's command line asks for it with trace=on. strace.c
syscall_tracer strace;
