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
    //@ lab 6.2  The PICs first: their vectors are exceptions'. While the APIC is off, its local vectors
    //@          stay masked whatever is written: so it goes on, then they follow. {
    pics_retire();
    local_apic_write(APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS);
    local_apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
    local_apic_write(APIC_LVT_LINT0, APIC_MASKED);
    local_apic_write(APIC_TASK_PRIORITY, 0);
    //@ } hole("6.2");
}

void interrupt_end(unsigned vector)
{
    //@ lab 6.3  In service is what this APIC has delivered: no spurious interrupt, none of the PICs',
    //@          no INT n. An end without that would be the end of another one. {
    u32 in_service = local_apic_read(APIC_IN_SERVICE + vector / 32 * 0x10);

    if (in_service >> vector % 32 & 1)
        local_apic_write(APIC_END_OF_INTERRUPT, 0);
    //@ } hole("6.3");
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
