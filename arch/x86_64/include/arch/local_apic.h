// The registers of this CPU's local APIC. SDM vol. 3, table 11-1; all are 32 bits wide.
#pragma once

#include <arch/types.h>

enum local_apic_register {
    APIC_ID = 0x20, // in its upper 8 bits
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_END_OF_INTERRUPT = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_IN_SERVICE = 0x100, // eight registers, 0x10 apart: vectors 0 to 31, 32 to 63, ...
    APIC_REQUESTED = 0x200,  // the same
    APIC_ERROR_STATUS = 0x280,
    APIC_COMMAND_LOW = 0x300, // writing this one sends
    APIC_COMMAND_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

// The command: what is sent, in APIC_COMMAND_LOW, to the APIC whose ID stands in the upper 8 bits of
// APIC_COMMAND_HIGH, as in APIC_ID. SDM vol. 3, figure 11-12.
enum {
    COMMAND_FIXED = 0 << 8, // the vector in the low 8 bits
    COMMAND_NMI = 4 << 8,
    COMMAND_PENDING = 1 << 12, // read: not sent yet
    COMMAND_ASSERT = 1 << 14,  // always, but for a level's end
    COMMAND_SELF = 1 << 18,    // to this APIC, whatever APIC_COMMAND_HIGH says
};

u32 local_apic_read(enum local_apic_register from);
void local_apic_write(enum local_apic_register to, u32 value);

// Where it is in memory: for who must not call anything.
volatile u32 *local_apic_register(enum local_apic_register number);

// Sends this CPU an NMI. It strikes before the return, or is held back while NMIs are blocked; of
// several that are held back one strikes.
void nmi_self(void);
