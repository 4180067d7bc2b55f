// The interrupt descriptor table. SDM vol. 3, sections 6.10 and 6.14.1.

#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/init.h>

struct gate idt[VECTORS_COUNT] aligned_to(PAGE_SIZE); // a page of its own, to protect

struct gate gate_make(u64 offset, unsigned ist, enum gate_type type, enum ring ring)
{
    struct gate gate = { 0 };

    // LAB 2.1: The kernel's 64-bit code segment; the offset in its three pieces; the IST stack; and
    //          in one byte the type, the DPL and the present bit.
    hole("2.1");
    return gate;
}

void idt_fill(void)
{
    // LAB 2.2: A vector without a stub keeps its zeroes, which are no gate: INT n there is #GP.
    hole("2.2");
}

void idt_load(void)
{
    // LAB 2.3: LIDT takes the address of limit and base, not of the table.
    hole("2.3");
}

static void idt_initialise(void)
{
    idt_fill();
    idt_load();
}
INIT(INIT_IDT, idt_initialise);
