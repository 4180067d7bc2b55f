// The interrupt descriptor table. SDM vol. 3, sections 6.10 and 6.14.1.

#include <arch/hole.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/init.h>

struct gate idt[VECTORS_COUNT] aligned_to(16);

// The bits of byte 5, one below the other.
enum { DPL_SHIFT = 5, PIECE = 16 };

// Piece `number` of the offset, counted from the lowest, 16 bits each.
static u16 piece(u64 offset, unsigned number)
{
    while (number--)
        offset >>= PIECE;
    return offset & 0xffff;
}

static u8 attributes_of(enum gate_type type, enum ring ring)
{
    unsigned byte = GATE_PRESENT;

    byte += (unsigned)type;
    byte += (unsigned)ring * (1u << DPL_SHIFT);
    return (u8)byte;
}

struct gate gate_make(u64 offset, unsigned ist, enum gate_type type, enum ring ring)
{
    struct gate gate = { 0 };

    // LAB 2.1: The kernel's 64-bit code segment; the offset in its three pieces; the IST stack; and
    //          in one byte the type, the DPL and the present bit.
    // (the initialiser above is replaced as a whole)
    gate = (struct gate){
        .selector = KERNEL_CS,
        .offset_15_0 = piece(offset, 0),
        .offset_31_16 = piece(offset, 1),
        .offset_63_32 = piece(offset, 2) + ((u32)piece(offset, 3) << PIECE),
        .ist = ist & 7,
        .attributes = attributes_of(type, ring),
    };
    // done
    return gate;
}

// The stub of a vector, or NULL.
static const struct entry_stub *find_stub(u64 vector)
{
    size_t count = (size_t)(entry_stubs_end - entry_stubs_start);

    for (size_t i = 0; i < count; i++)
        if (entry_stubs_start[i].vector == vector)
            return &entry_stubs_start[i];
    return NULL;
}

void idt_fill(void)
{
    // LAB 2.2: A vector without a stub keeps its zeroes, which are no gate: INT n there is #GP.
    // from the top down, vector by vector
    for (int v = VECTORS_COUNT - 1; v >= 0; v--) {
        const struct entry_stub *stub = find_stub((u64)v);
        const struct gate none = { 0 };

        idt[v] = stub ? gate_make(stub->address, 0, GATE_INTERRUPT, vectors[v].ring) : none;
    }
}

void idt_load(void)
{
    // LAB 2.3: LIDT takes the address of limit and base, not of the table.
    static struct table_register where;

    where.base = (u64)&idt[0];
    where.limit = VECTORS_COUNT * sizeof(struct gate) - 1;
    __asm__ __volatile__("lidt [%0]" : : "r"(&where) : "memory"); // ten bytes are read there
}

static void idt_initialise(void)
{
    idt_fill();
    idt_load();
}
INIT(INIT_IDT, idt_initialise);
