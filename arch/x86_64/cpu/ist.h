// The interrupt stack table: stacks that the CPU takes whatever RSP was. SDM vol. 3, section 6.14.5.
#pragma once

#include <arch/stack.h>
#include <arch/tss.h>

#define IST_STACKS     4 // enum ist of <arch/vectors.h>
#define IST_STACK_SIZE (2 * PAGE_SIZE)

// The stacks of the CPU that boots, in the order of enum ist: that of IST 1 comes first.
extern struct stack ist_stacks[IST_STACKS];

// Makes the stacks, which have their names already, and enters them into a CPU's TSS, each under
// its number. Returns 0 or -ENOMEM.
int ist_prepare(struct tss *tss, struct stack stacks[IST_STACKS]);
