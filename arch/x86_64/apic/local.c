// Access to the local APIC. SDM vol. 3, section 11.4.

#include <arch/local_apic.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <kernel/init.h>
#include <kernel/panic.h>

#define APIC_BASE_ENABLED (1ul << 11)
#define APIC_BASE_X2APIC  (1ul << 10)
#define REGISTERS_SIZE    0x400
#define REGISTERS_APART   0x10

static volatile u8 *registers;

// An access to what lies between two registers is undefined; section 11.4.1.
volatile u32 *local_apic_register(enum local_apic_register number)
{
    if (number % REGISTERS_APART != 0)
        panic("the local APIC's registers are 0x10 apart, and none is at 0x%x", number);
    return (volatile u32 *)(registers + number);
}

u32 local_apic_read(enum local_apic_register from)
{
    return *local_apic_register(from);
}

void local_apic_write(enum local_apic_register to, u32 value)
{
    *local_apic_register(to) = value;
}

// In x2APIC mode there are no registers in memory, and from there no way back but by a reset.
static void local_apic_initialise(void)
{
    u64 base = msr_read(MSR_APIC_BASE);

    if (base & APIC_BASE_X2APIC)
        panic("the firmware has put the local APIC into x2APIC mode");
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
    registers = device_map(base & PTE_ADDRESS, REGISTERS_SIZE);
}
INIT(INIT_LOCAL_APIC, local_apic_initialise);
