// The general registers as tests look at them: one by one, by name. For their assembly: kernel/test.inc.
#pragma once

#include <arch/regs.h>

#define GENERAL_REGISTERS 15 // all but rsp, in the order of struct pt_regs
enum { REGISTER_R11 = 6, REGISTER_RAX = 10, REGISTER_RCX = 11 };

extern const char *const register_names[GENERAL_REGISTERS];

static inline u64 *registers_of(struct pt_regs *regs)
{
    return &regs->r15;
}

// A test_pattern() for each of them all.
void fill_registers(u64 *registers);
