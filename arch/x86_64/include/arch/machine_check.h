// Machine checks: what the hardware says about its own failures. SDM vol. 3, section 16.3.
#pragma once

#include <arch/layout.h>
#include <arch/regs.h>
#include <arch/types.h>

#define MSR_MCG_CAP    0x179u
#define MSR_MCG_STATUS 0x17au
#define MSR_MCG_CTL    0x17bu
#define MSR_MC0_CTL    0x400u // bank 0; four registers a bank

#define MCG_CAP_BANKS    0xfful
#define MCG_CAP_CTL      (1ul << 8)  // there is an IA32_MCG_CTL
#define MCG_CAP_RECOVERY (1ul << 24) // SER_P: an uncorrected error may be survived

#define MCG_STATUS_RIPV (1ul << 0) // the interrupted code can go on
#define MCG_STATUS_EIPV (1ul << 1) // it has to do with the failure
#define MCG_STATUS_MCIP (1ul << 2) // a second machine check while this is set is a shutdown

#define MC_STATUS_VALID         (1ul << 63)
#define MC_STATUS_OVERFLOW      (1ul << 62) // another error came while this one was here
#define MC_STATUS_UNCORRECTED   (1ul << 61)
#define MC_STATUS_ENABLED       (1ul << 60)
#define MC_STATUS_MISC_VALID    (1ul << 59)
#define MC_STATUS_ADDRESS_VALID (1ul << 58)
#define MC_STATUS_CONTEXT_LOST  (1ul << 57) // PCC: the CPU's own state may be wrong
#define MC_STATUS_SIGNALED      (1ul << 56) // S, with MCG_CAP_RECOVERY: this error has raised #MC
#define MC_STATUS_ACTION        (1ul << 55) // AR, with MCG_CAP_RECOVERY: not before software has acted
#define MC_STATUS_CODE          0xfffful

extern u64 machine_check_capabilities;

// How far below the top of the #MC stack the frame goes of one that is over but for its IRETQ: further than
// the handler of the next one needs, and the stack has two pages. entry/machine_check.asm
#define MACHINE_CHECK_PLACE PAGE_SIZE

// For the handler of #MC, when it is done and goes on: MCIP is cleared, now or on the way back to `regs`. Before
// lab 10 now.
void machine_check_over(const struct pt_regs *regs);

// One bank of registers. `address` and `misc` are 0 where the status says that they hold nothing.
struct machine_check_bank {
    u64 status, address, misc;
};

// How many banks this CPU has; 0 without the machine-check architecture, and before INIT_MACHINE_CHECK.
unsigned machine_check_banks(void);

// Reads a bank. Returns whether it holds an error.
bool machine_check_read(unsigned bank, struct machine_check_bank *error);
