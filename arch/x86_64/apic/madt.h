// What the firmware says about interrupt controllers. ACPI specification 6.5, section 5.2.12
// "Multiple APIC Description Table (MADT)".
#pragma once

#include <arch/types.h>

// A line of the ISA bus that does not do what the bus has laid down: section 5.2.12.5 "Interrupt
// Source Override Structure". A line without one goes to the input of its own number, edge-triggered
// and active high.
struct isa_override {
    u8 line;   // IRQ 0 to 15
    u16 flags; // section 5.2.12.5, table 5.26 "MPS INTI Flags"
    u32 input; // number of the I/O APIC's input: a "global system interrupt"
};

// The flags' two fields of two bits; 0 is what the bus has laid down.
#define INTI_POLARITY    (3 << 0)
#define INTI_ACTIVE_HIGH (1 << 0)
#define INTI_ACTIVE_LOW  (3 << 0)
#define INTI_TRIGGER     (3 << 2)
#define INTI_EDGE        (1 << 2)
#define INTI_LEVEL       (3 << 2)

struct io_apic {
    u64 physical; // address of its registers
    u32 first;    // number of its first input
};

// Reads the table, once. A machine without one, or without an I/O APIC in it, is a panic.
void madt_read(void);

// The I/O APIC that the inputs from 0 on belong to: all lines of the ISA bus.
struct io_apic madt_io_apic(void);

// The exception that the firmware makes for an ISA line, or NULL.
const struct isa_override *madt_override(unsigned line);
