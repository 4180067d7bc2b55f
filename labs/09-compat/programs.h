// Lab 09: programs, named for what they do; programs.asm.
#pragma once

#include <kernel/flat.h>

extern const struct flat program_int80, program_int80_32, program_sysenter, program_syscall32;
