// The 8259As: out of the way. Intel 8259A data sheet, "Programming the 8259A".

#include <apic/pic.h>
#include <arch/interrupts.h>
#include <arch/io.h>

enum { PIC_1 = 0x20, PIC_2 = 0xa0 }; // ports; that of the masks is the next one
enum { MASKS = 1, LINES_EACH = 8, CASCADE = 2 };

enum {
    // Four words follow, the first to the port, the others to that of the masks.
    ICW1_START = 1 << 4,
    ICW1_NEEDS_ICW4 = 1 << 0,
    ICW4_8086 = 1 << 0,
    OCW2_END = 1 << 5, // of the interrupt in service with the highest priority
    OCW3_READ_IN_SERVICE = 1 << 3 | 3,
};

static void start(u16 port, unsigned vector, unsigned cascade)
{
    out8(port, ICW1_START | ICW1_NEEDS_ICW4);
    out8(port + MASKS, (u8)vector);
    out8(port + MASKS, (u8)cascade);
    out8(port + MASKS, ICW4_8086);
    out8(port + MASKS, 0xff);
}

void pics_retire(void)
{
    start(PIC_1, VECTOR_PIC, 1 << CASCADE); // a bit for the line
    start(PIC_2, VECTOR_PIC + LINES_EACH, CASCADE);
}

static bool in_service(u16 port, unsigned line)
{
    out8(port, OCW3_READ_IN_SERVICE);
    return in8(port) >> line & 1;
}

// A request that was gone again when the CPU asked for the vector has none in service, so the PIC
// that made it up gets no end of interrupt; the first one gets its own for the second's line.
bool pic_spurious(struct pt_regs *regs, void *context)
{
    unsigned line = (unsigned)(u64)context;
    bool second = line >= LINES_EACH;

    (void)regs;
    if (in_service(second ? PIC_2 : PIC_1, line % LINES_EACH))
        out8(second ? PIC_2 : PIC_1, OCW2_END);
    if (second)
        out8(PIC_1, OCW2_END);
    return true;
}
