// Access to the I/O APIC's redirection table. Intel 82093AA data sheet, sections 3.1 and 3.2.

#include <apic/io_apic.h>
#include <apic/madt.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <kernel/panic.h>

// Two registers in memory: the number of another one, and a window to it. An interrupt between the
// two accesses, whose handler uses them too, would move the window; so whoever calls read() or write()
// has turned interrupts off.
enum { SELECT = 0x00, WINDOW = 0x10, REGISTERS_SIZE = 0x20 };
enum { VERSION = 0x01, TABLE = 0x10 }; // an entry has two registers, the low half first

static volatile u8 *registers;
static unsigned inputs;

static u32 read(unsigned number)
{
    *(volatile u32 *)(registers + SELECT) = number;
    return *(volatile u32 *)(registers + WINDOW);
}

static void write(unsigned number, u32 value)
{
    *(volatile u32 *)(registers + SELECT) = number;
    *(volatile u32 *)(registers + WINDOW) = value;
}

static unsigned number_of(unsigned input)
{
    if (input >= inputs)
        panic("the I/O APIC has inputs 0 to %u, and not %u", inputs - 1, input);
    return TABLE + 2 * input;
}

u64 io_apic_read_entry(unsigned input)
{
    unsigned number = number_of(input);
    bool enabled = interrupts_save();
    u64 entry = (u64)read(number + 1) << 32 | read(number);

    interrupts_restore(enabled);
    return entry;
}

void io_apic_write_entry(unsigned input, u64 entry)
{
    unsigned number = number_of(input);
    bool enabled = interrupts_save();

    if (entry & IO_APIC_MASKED)
        write(number, (u32)entry);
    write(number + 1, (u32)(entry >> 32));
    write(number, (u32)entry);
    interrupts_restore(enabled);
}

void io_apic_mask(unsigned input)
{
    unsigned number = number_of(input);
    bool enabled = interrupts_save();

    write(number, read(number) | IO_APIC_MASKED);
    interrupts_restore(enabled);
}

// An entry that is edge-triggered and masked has forgotten what it still waited for when the firmware
// left it.
void io_apic_initialise(void)
{
    registers = device_map(madt_io_apic().physical, REGISTERS_SIZE);
    inputs = (read(VERSION) >> 16 & 0xff) + 1;
    for (unsigned input = 0; input < inputs; input++)
        io_apic_write_entry(input, IO_APIC_MASKED);
}
