// Lines of the ISA bus, by way of the I/O APIC. Intel 82093AA data sheet, section 3.2.4; ACPI
// specification 6.5, section 5.2.12.5.

#include <apic/io_apic.h>
#include <apic/madt.h>
#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/local_apic.h>
#include <kernel/print.h>

u64 io_apic_entry(unsigned vector, u16 flags, u8 id)
{
    u64 entry = 0;

    //@ lab 6.5  Fixed delivery to one local APIC, not masked. Flags of 0 mean what the ISA bus has laid
    //@          down: an edge, active high; and so do INTI_EDGE and INTI_ACTIVE_HIGH. {
    entry = vector | (u64)id << IO_APIC_DESTINATION;
    if ((flags & INTI_POLARITY) == INTI_ACTIVE_LOW)
        entry |= IO_APIC_ACTIVE_LOW;
    if ((flags & INTI_TRIGGER) == INTI_LEVEL)
        entry |= IO_APIC_LEVEL;
    //@ } hole("6.5");
    return entry;
}

// The input that the line is wired to.
static unsigned input_of(unsigned line)
{
    const struct isa_override *override = madt_override(line);

    return override ? override->input : line;
}

void interrupt_line_open(unsigned line, unsigned vector)
{
    //@ lab 6.6  Where the firmware says that a line is wired otherwise, it is. {
    const struct isa_override *override = madt_override(line);
    u8 id = (u8)(local_apic_read(APIC_ID) >> 24);

    io_apic_write_entry(input_of(line), io_apic_entry(vector, override ? override->flags : 0, id));
    //@ } hole("6.6");
}

void interrupt_line_close(unsigned line)
{
    io_apic_mask(input_of(line));
}

void interrupt_line_print(unsigned line)
{
    unsigned input = input_of(line);

    print("IO-APIC %2u-%-5s", input, io_apic_read_entry(input) & IO_APIC_LEVEL ? "level" : "edge");
}
