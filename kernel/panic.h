// The end of a kernel that cannot go on.
#pragma once

#include <arch/regs.h>

// Turns interrupts off, prints what went wrong (a printf format), where, every register, the stack and
// how it came to be there, and ends the machine with MACHINE_PANIC.
#define panic(...)                          \
    do {                                    \
        struct pt_regs panic_regs;          \
        regs_capture(&panic_regs);          \
        panic_at(&panic_regs, __VA_ARGS__); \
    } while (0)

// The same for the code that `regs` interrupted.
noreturn void panic_at(const struct pt_regs *regs, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The same with more to say: details(about) prints whole lines, behind the first.
noreturn void panic_with(const struct pt_regs *regs, void (*details)(const void *about),
                         const void *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
