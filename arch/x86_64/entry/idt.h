// The interrupt descriptor table. SDM vol. 3, section 6.14.1 "64-Bit Mode IDT".
#pragma once

#include <arch/types.h>
#include <arch/vectors.h>

// A gate of 16 bytes; figure 6-8.
struct gate {
    u16 offset_15_0;
    u16 selector;
    u8 ist;        // bits 2:0, 0 for none; the others are 0
    u8 attributes; // type in 3:0, 0, DPL in 6:5, present in 7
    u16 offset_31_16;
    u32 offset_63_32;
    u32 reserved;
};
static_assert(sizeof(struct gate) == 16, "SDM vol. 3, figure 6-8");

// What the gate does to IF: an interrupt gate clears it, a trap gate leaves it.
enum gate_type { GATE_INTERRUPT = 0xe, GATE_TRAP = 0xf };

#define GATE_PRESENT (1 << 7)

// One way in for one vector, in assembly. Files put theirs into a linker section by ENTRY_STUB of
// entry_stub.inc, so that the table holds what is linked.
struct entry_stub {
    u64 vector;
    u64 address;
};
extern const struct entry_stub entry_stubs_start[], entry_stubs_end[]; // linker.ld

extern struct gate idt[VECTORS_COUNT];

// A present gate into KERNEL_CS at `offset`. `ist` is 0 or a stack's number from 1 to 7; `ring` is
// the highest ring that may use the gate by INT n.
struct gate gate_make(u64 offset, unsigned ist, enum gate_type type, enum ring ring);

// Fills the table: a gate for every vector that has a stub; the others are not present.
// All are interrupt gates, with the ring from vectors.def and no IST stack yet.
void idt_fill(void);

// Makes the CPU use the table.
void idt_load(void);

// The second step, once the TSS of this CPU has stacks: the gates go over to the IST stacks of
// vectors.def. A slot of the TSS that is still empty is a panic. idt_ist.c
void idt_use_ist(void);
