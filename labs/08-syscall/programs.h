// Lab 08: programs, named for what they do; programs.asm.
#pragma once

#include <kernel/flat.h>

extern const struct flat program_call, program_nops, program_flags, program_stack, program_many,
    program_numbers, program_steps, program_32;
