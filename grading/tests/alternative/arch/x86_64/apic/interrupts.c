// The local APIC at work: SDM vol. 3, sections 11.4.3 (enabling), 11.5.1 (local vectors), 11.8
// (priorities and the end of an interrupt), 11.9 (spurious interrupts).

#include <apic/apic.h>
#include <apic/io_apic.h>
#include <apic/madt.h>
#include <apic/pic.h>
#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/local_apic.h>
#include <kernel/init.h>

void local_apic_enable(void)
{
    // LAB 6.2: The PICs first: their vectors are exceptions'. While the APIC is off, its local vectors
    //          stay masked whatever is written: so it goes on, then they follow.
    u32 spurious = local_apic_read(APIC_SPURIOUS) & ~0xffu;

    pics_retire();
    spurious |= VECTOR_SPURIOUS;
    spurious |= APIC_SOFTWARE_ENABLE;
    local_apic_write(APIC_SPURIOUS, spurious);
    local_apic_write(APIC_TASK_PRIORITY, 0);
    local_apic_write(APIC_LVT_LINT0, local_apic_read(APIC_LVT_LINT0) | APIC_MASKED);
    local_apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
}

static bool is_in_service(unsigned vector)
{
    enum { BITS = 32, APART = 0x10 };
    unsigned number = APIC_IN_SERVICE;

    while (vector >= BITS) {
        vector -= BITS;
        number += APART;
    }
    return local_apic_read(number) & 1u << vector;
}

void interrupt_end(unsigned vector)
{
    // LAB 6.3: In service is what this APIC has delivered: no spurious interrupt, none of the PICs',
    //          no INT n. An end without that would be the end of another one.
    if (is_in_service(vector))
        local_apic_write(APIC_END_OF_INTERRUPT, 0);
}

static void interrupts_initialise(void)
{
    madt_read();
    local_apic_enable();
    io_apic_initialise();
    local_vectors_request();
    interrupts_enable();
}
INIT(INIT_INTERRUPTS, interrupts_initialise);
