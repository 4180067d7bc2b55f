// The I/O APIC: it turns the lines of devices into messages to a local APIC, as its redirection table
// says. Intel 82093AA data sheet, section 3.2.4 "I/O Redirection Table Registers".
#pragma once

#include <arch/types.h>

#define IO_APIC_VECTOR      0xfful      // 7:0
#define IO_APIC_DELIVERY    (7ul << 8)  // 0 fixed: the vector, to the destination
#define IO_APIC_LOGICAL     (1ul << 11) // the destination is a set; without it, one local APIC's ID
#define IO_APIC_ACTIVE_LOW  (1ul << 13) // the line is at 0 volts when the device wants something
#define IO_APIC_LEVEL       (1ul << 15) // as long as the line is active; without it, when it becomes so
#define IO_APIC_MASKED      (1ul << 16)
#define IO_APIC_DESTINATION 56 // 63:56, a local APIC's ID

#define IO_APIC_READ_ONLY (1ul << 12 | 1ul << 14) // delivery status, remote IRR

// Makes the registers of the MADT's I/O APIC usable and masks all its inputs.
void io_apic_initialise(void);

// The entry of one input. Writing changes the half with the mask last, so that the input is not
// open with half an entry. An input that does not exist is a panic.
u64 io_apic_read_entry(unsigned input);
void io_apic_write_entry(unsigned input, u64 entry);

// Masks one input and leaves the rest of its entry.
void io_apic_mask(unsigned input);

// The entry that sends a line with these flags of the MADT, as `vector`, to the local APIC `id`.
u64 io_apic_entry(unsigned vector, u16 flags, u8 id);
