// 32-bit programs: their doors, and the page with their side of them.
#pragma once

#include <arch/types.h>

// The ways into the kernel that a CPU has for 32-bit code; int 0x80 every CPU has.
enum compat_door { COMPAT_INT80, COMPAT_SYSENTER, COMPAT_SYSCALL };

// The best one that this CPU has. By vendor: Intel's processors have SYSENTER in long mode and AMD's have
// SYSCALL in 32-bit code; the other one is #UD, whatever CPUID's bits say. cpu/compat_door.c
enum compat_door compat_door(void);

// The page as every 32-bit program has it at COMPAT_PAGE; in it a function for each way, of which it calls
// the best, and where the kernel returns to. entry/compat_page.asm
#define COMPAT_PAGE 0xffffe000ul
extern const char compat_page[], compat_page_int80[], compat_page_sysenter[], compat_page_syscall[],
    compat_page_landing[];

// The address in a program of a place in the page.
static inline u64 compat_page_address(const char *place)
{
    return COMPAT_PAGE + (u64)(place - compat_page);
}

// The doors, and what leads to them: a gate, and MSRs. compat.c
extern const char entry_int80[], entry_sysenter[], entry_syscall32[];
void compat_doors_open(void);
