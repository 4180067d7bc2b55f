// What the local APIC does besides giving access to its registers (<arch/local_apic.h>).
#pragma once

#include <arch/types.h>

#define APIC_SOFTWARE_ENABLE (1u << 8)  // of APIC_SPURIOUS
#define APIC_MASKED          (1u << 16) // of a local vector, APIC_LVT_...

// Puts the PICs out of the way and this CPU's local APIC to work: it delivers interrupts of every
// priority; what it finds wrong comes as VECTOR_APIC_ERROR; the PICs' wire, LINT0, is masked.
void local_apic_enable(void);

// Registers handlers for the vectors that no device brings: the APIC's errors, and the spurious
// interrupts of the APIC and of the PICs.
void local_vectors_request(void);
