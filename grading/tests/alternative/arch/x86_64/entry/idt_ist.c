// The gates that take a stack from the TSS. SDM vol. 3, sections 6.14.1 and 6.14.5.

#include <arch/hole.h>
#include <arch/percpu.h>
#include <entry/idt.h>
#include <kernel/panic.h>

// Through a gate with an empty slot the CPU would push below address 0: #PF; that of #DF, a reset.
static void insist_on_stacks(const struct tss *tss)
{
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++) {
        enum ist ist = vectors[vector].ist;

        if (ist != IST_NONE && !tss->ist[ist - 1])
            panic("the gate of vector %u is to use IST %u, and the TSS has no stack there", vector,
                  ist);
    }
}

void idt_use_ist(void)
{
    insist_on_stacks(&this_cpu()->tss);
    // LAB 5.3: The table is in use: an NMI may come between two stores, and finds its gate whole if
    //          nothing but the one byte changes.
    for (const struct entry_stub *stub = entry_stubs_start; stub < entry_stubs_end; stub++) {
        const struct vector *row = vectors + stub->vector;

        if (row->ist)
            idt[stub->vector] = gate_make(stub->address, row->ist, GATE_INTERRUPT, row->ring);
    }
}
