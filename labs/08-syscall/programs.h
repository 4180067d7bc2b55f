// Lab 08: programs, named for what they do; programs.asm.
#pragma once

#include <kernel/flat.h>

extern const struct flat program_call;
