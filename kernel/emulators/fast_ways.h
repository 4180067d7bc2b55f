// SYSCALL and SYSENTER, executed in ring 0: they enter there as they do from ring 3.
#pragma once

#include <arch/types.h>

#define SYSCALL_FLAGS 0xcd5ul // what syscall_plain executes SYSCALL with, besides bit 1

// The entry of both lies in exceptions.asm: SYSCALL's returns RFLAGS as they are there, and leaves R11.
u64 syscall_plain(u64, u64), sysenter_plain(u64, u64);
extern const char syscall_entry[], sysenter_entry[];
extern u64 syscall_r11;

// Lets SYSCALL lead to syscall_entry with IA32_FMASK `mask`, until it is put back.
void syscall_set_up(u64 mask);
void syscall_put_back(void);

// Lets SYSENTER lead to `entry`; nothing else in the kernel uses it yet.
void sysenter_set_up(const void *entry);
