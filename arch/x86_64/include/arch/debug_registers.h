// The debug registers: what they say after a #DB, and what may be asked of them. SDM vol. 3, section 18.2.
#pragma once

#include <arch/types.h>

#define DR6_BREAKPOINTS 0xful       // B0 to B3: which of them
#define DR6_STEP        (1ul << 14) // BS: TF
#define DR6_SAYS        0xe00ful    // and BD, BT; the others are fixed
#define DR6_NOTHING     0xffff0ff0ul
#define DR7_ENABLED     0xfful // L0, G0 to L3, G3

static inline u64 read_dr6(void)
{
    u64 value;
    asm volatile("mov %0, dr6" : "=r"(value));
    return value;
}

static inline void write_dr6(u64 value)
{
    asm volatile("mov dr6, %0" ::"r"(value));
}

// For the handlers of NMI and #MC. Those may strike in the way in of #DB, before it has cleared DR7: a
// breakpoint in them would then overwrite its frame. docs/entry.md, "#DB".
static inline u64 breakpoints_hold(void)
{
    u64 dr7;
    asm volatile("mov %0, dr7\n\tmov dr7, %1" : "=&r"(dr7) : "r"(0ul));
    return dr7;
}

static inline void breakpoints_release(u64 dr7)
{
    asm volatile("mov dr7, %0" ::"r"(dr7));
}

// Whether a breakpoint may be set on an instruction at `address`. Not on the ways in and out: that of #DB
// itself would be interrupted before it has cleared DR7, and its frame overwritten; nor in trap(), through
// which NMI and #MC come, nor in their handlers, which have to begin before they hold breakpoints back.
bool breakpoint_allowed(u64 address);
