// SYSCALL's MSRs: what the kernel wants in them.
#pragma once

#include <arch/types.h>

// IA32_STAR and IA32_FMASK.
u64 syscall_star(void);
u64 syscall_mask(void);

// Writes them, IA32_LSTAR and IA32_CSTAR, and sets EFER.SCE.
void syscall_door_open(void);

// Where SYSCALL leads to, from 64-bit and from 32-bit code. syscall.asm
extern const char entry_syscall[], ignore_syscall32[];
