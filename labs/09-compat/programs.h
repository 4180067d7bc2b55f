// Lab 09: programs, named for what they do; programs.asm. Each comes to an INT3 after what it does, and does it
// again when it goes on.
#pragma once

#include <kernel/flat.h>

extern const struct flat program_int80, program_int80_32, program_int80_step, program_page,
    program_sysenter, program_sysenter_flags, program_sysenter_64, program_syscall,
    program_syscall_flags, program_odd_segments;
