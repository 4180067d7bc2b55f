// Interrupts: the CPU's flag, the vectors they come on, and the lines of devices.
#pragma once

#include <arch/cpu.h>
#include <arch/regs.h>
#include <arch/types.h>

// The upper four bits of a vector are its priority: SDM vol. 3, section 11.8.3.
enum {
    VECTOR_PIC = 0x20,        // 16 for the PICs, which are silent but for spurious interrupts
    VECTOR_LINES = 0x30,      // 16 for the lines of the ISA bus, by way of the I/O APIC
    VECTOR_TIMER = 0xef,      // the local APIC's timer
    VECTOR_APIC_ERROR = 0xfe, // what the local APIC finds wrong
    VECTOR_SPURIOUS = 0xff,   // its low four bits are 1 because old CPUs wire them so
};

#define ISA_LINES 16

static inline void interrupts_enable(void)
{
    asm volatile("sti" ::: "memory");
}

static inline void interrupts_disable(void)
{
    asm volatile("cli" ::: "memory");
}

static inline bool interrupts_enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

// Turns interrupts off; returns whether they were on, for interrupts_restore.
static inline bool interrupts_save(void)
{
    bool enabled = interrupts_enabled();

    interrupts_disable();
    return enabled;
}

static inline void interrupts_restore(bool enabled)
{
    if (enabled)
        interrupts_enable();
}

// Tells the local APIC that the handling of `vector` is over, if it knows of it. To be called once
// for each interrupt, when its handler has returned: until then no other interrupt of the same or a
// lower priority comes.
void interrupt_end(unsigned vector);

// Makes this CPU interrupt itself with `vector`, 32 or above, as soon as it may.
void interrupt_self(unsigned vector);

// Whether a device can interrupt by the ISA line, 0 to 15: not where the firmware has wired another
// line to its input.
bool interrupt_line_exists(unsigned line);

// Opens the ISA line, one that exists: from now on it interrupts this CPU with `vector`.
void interrupt_line_open(unsigned line, unsigned vector);

// Masks the line; what its device asks for from now on is not heard.
void interrupt_line_close(unsigned line);

// Prints where the line comes in, in the words of Linux's /proc/interrupts: "IO-APIC  4-edge ".
void interrupt_line_print(unsigned line);

// Sleeps until an interrupt's handler has set *woken; not at all if it is set already. Call with
// interrupts on; they are on when it returns. The CPU sleeps meanwhile, in HLT.
void idle_until(const volatile bool *woken);

// For the handlers of what IF does not hold back, NMI, #DB and #MC, before they return to `regs`. If
// that struck between STI and HLT, HLT is passed over: STI holds interrupts back for one instruction,
// not for one more behind an IRETQ, so what is to end the sleep might come before it has begun.
void halt_overtaken(struct pt_regs *regs);
