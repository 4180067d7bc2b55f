// The selectors of the kernel's GDT, in Linux's order: SYSRET adds 8 and 16 to STAR[63:48] and
// SYSENTER's exit adds to its own, so the order is the CPU's demand (SDM vol. 2, SYSRET, SYSEXIT),
// and 32-bit programs know the user's values by heart.
#pragma once

#define KERNEL32_CS  0x08
#define KERNEL_CS    0x10
#define KERNEL_DS    0x18
#define USER32_CS    0x23
#define USER_DS      0x2b
#define USER_CS      0x33
#define TSS_SELECTOR 0x40
#define CPU_NUMBER   0x7b // its limit is that

// As many as Linux has: 0x40 and 0x48 are the TSS's, 0x60 to 0x70 a thread's own segments (<arch/tls.h>) and
// 0x78 the CPU's number for LSL. They, 0x38, 0x50 and 0x58 start empty.
#define GDT_ENTRIES 16
#define TLS_FIRST   12
#define TLS_ENTRIES 3
