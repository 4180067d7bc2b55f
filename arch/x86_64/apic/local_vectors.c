// Handlers for the vectors that no device brings. SDM vol. 3, sections 11.5.3 "Error Handling" and 11.9 "Spurious
// Interrupt".

#include <apic/apic.h>
#include <apic/pic.h>
#include <arch/interrupts.h>
#include <arch/local_apic.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/print.h>

enum { ERRORS = 8 };

// Bits 0 to 7 of the error status register, figure 11-9; 0 to 4 on old CPUs only.
static const char *const error_name[ERRORS] = {
    "send checksum",          "receive checksum",         "send accept",
    "receive accept",         "redirectable IPI",         "send illegal vector",
    "receive illegal vector", "illegal register address",
};

static bool apic_error(struct pt_regs *regs, void *context)
{
    u32 errors;

    (void)regs;
    (void)context;
    local_apic_write(APIC_ERROR_STATUS, 0); // a write brings what has happened since the last one
    errors = local_apic_read(APIC_ERROR_STATUS);
    print("# local APIC error 0x%x:", errors);
    for (unsigned bit = 0; bit < ERRORS; bit++)
        if (errors >> bit & 1)
            print(" %s", error_name[bit]);
    print("%s\n", errors ? "" : " none that it knows of");
    return true;
}

// The APIC asked the CPU to interrupt itself, and had nothing left when the CPU did.
static bool apic_spurious(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    return true;
}

static void request(unsigned vector, const char *name, irq_handler *handler, u64 context)
{
    if (irq_request(vector, name, handler, (void *)context) != 0)
        panic("vector %u is taken, but \"%s\" needs it", vector, name);
}

void local_vectors_request(void)
{
    request(VECTOR_PIC + 7, "spurious, first PIC", pic_spurious, 7);
    request(VECTOR_PIC + 15, "spurious, second PIC", pic_spurious, 15);
    request(VECTOR_APIC_ERROR, "local APIC error", apic_error, 0);
    request(VECTOR_SPURIOUS, "spurious", apic_spurious, 0);
}
