// The 64-bit task-state segment: no task lives in it, only the stacks that the CPU switches to.
// SDM vol. 3, section 8.7 "Task Management in 64-bit Mode", figure 8-11.
#pragma once

#include <arch/types.h>

#define TSS_IST_STACKS 7

struct tss {
    u32 reserved0;
    u64 rsp[3]; // stack for a way in from a lower ring to ring 0, 1, 2
    u64 reserved1;
    u64 ist[TSS_IST_STACKS]; // IST 1 is ist[0]
    u64 reserved2;
    u16 reserved3;
    u16 io_map; // offset of the I/O permission bitmap; at the limit or beyond: there is none
} packed;
static_assert(sizeof(struct tss) == 0x68, "SDM vol. 3, figure 8-11");
