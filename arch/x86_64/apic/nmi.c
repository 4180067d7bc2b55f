// An NMI from this CPU to itself. SDM vol. 3, section 11.6.1 "Interrupt Command Register (ICR)".

#include <arch/local_apic.h>

enum {
    OWN_ID = 0xffu << 24, // as the APIC ID register has it, and the ICR's destination
    DELIVER_NMI = 4 << 8, // the vector's bits say nothing then
    DELIVERY_PENDING = 1 << 12,
    LEVEL_ASSERT = 1 << 14,
};

// By the number of this CPU: of the shorthands "self" is for fixed vectors only.
void nmi_self(void)
{
    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID) & OWN_ID);
    local_apic_write(APIC_COMMAND_LOW, DELIVER_NMI | LEVEL_ASSERT);
    while (local_apic_read(APIC_COMMAND_LOW) & DELIVERY_PENDING)
        ;
}
