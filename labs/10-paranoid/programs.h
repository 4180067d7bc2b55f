// Lab 10: programs, named for what they do; programs.asm.
#pragma once

#include <kernel/flat.h>

// INT3 again and again; SYSCALL, rsi round, INT3, with rsp as r13 says meanwhile; a single step, over
// what the name says; a MOV SS from rdi with SYSCALL behind it, and INT3; WRGSBASE from rdi, INT3 again
// and again, what RDGSBASE and the CPU's number are.
extern const struct flat program_breakpoints, program_calls, program_step, program_step_syscall,
    program_step_int80, program_mov_ss, program_writes_base, program_numbers;
