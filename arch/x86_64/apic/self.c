// What this CPU sends to itself. SDM vol. 3, section 11.6.1 "Interrupt Command Register (ICR)".

#include <arch/interrupts.h>
#include <arch/local_apic.h>

void interrupt_self(unsigned vector)
{
    local_apic_write(APIC_COMMAND_LOW, COMMAND_SELF | COMMAND_ASSERT | vector);
}

// By the number of this CPU: of the shorthands "self" is for fixed vectors only.
void nmi_self(void)
{
    bool enabled = interrupts_save(); // a handler between the two halves could send somewhere else

    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
    local_apic_write(APIC_COMMAND_LOW, COMMAND_NMI | COMMAND_ASSERT);
    while (local_apic_read(APIC_COMMAND_LOW) & COMMAND_PENDING)
        continue;
    interrupts_restore(enabled);
}
