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

    //@ lab 2.1  The kernel's 64-bit code segment; the offset in its three pieces; the IST stack; and
    //@          in one byte the type, the DPL and the present bit. {
    gate.selector = KERNEL_CS;
    gate.offset_15_0 = (u16)offset;
    gate.offset_31_16 = (u16)(offset >> 16);
    gate.offset_63_32 = (u32)(offset >> 32);
    gate.ist = (u8)ist;
    gate.attributes = (u8)(type | ring << 5 | GATE_PRESENT);
    //@ } hole("2.1");
    return gate;
}

void idt_fill(void)
{
    //@ lab 2.2  A vector without a stub keeps its zeroes, which are no gate: INT n there is #GP. {
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        idt[stub->vector] = gate_make(stub->address, 0, GATE_INTERRUPT, vectors[stub->vector].ring);
    //@ } hole("2.2");
}

void idt_load(void)
{
    //@ lab 2.3  LIDT takes the address of limit and base, not of the table. {
    struct table_register idtr = { sizeof(idt) - 1, (u64)idt };

    asm volatile("lidt %0" ::"m"(idtr));
    //@ } hole("2.3");
}

static void idt_initialise(void)
{
    idt_fill();
    idt_load();
}
INIT(INIT_IDT, idt_initialise);
