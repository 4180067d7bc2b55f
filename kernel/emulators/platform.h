// The interrupt controllers and timers of a PC, as far as rows use them; where they stand is fixed in
// both emulators, so nothing is looked up.
#pragma once

#include <arch/types.h>

// What nothing else uses: vectors for rows.
enum { ROW_VECTOR = 0x50, ERROR_VECTOR = 0x51, PIC_VECTORS = 0x60, SPURIOUS_VECTOR = 0xff };

// Delivery modes, in the ICR, the LVT and the I/O APIC: bits 10:8.
enum { MODE_FIXED = 0 << 8, MODE_NMI = 4 << 8, MODE_EXTINT = 7 << 8 };

enum { LVT_MASKED = 1 << 16, TIMER_DEADLINE = 2 << 17 };

// The local APIC enabled, and nothing that interrupts: PICs, I/O APIC and LVT masked. Then back, the
// PICs masked still, and the PIT as firmware leaves it.
void platform_quiet(void);
void platform_put_back(void);

// Sends an interrupt of this mode to this CPU by its ID, or with other bits in the command.
void send_to_self(u32 mode_and_vector);

void end_of_interrupt(void);

// Lets the I/O APIC's pin, edge-triggered, send this mode and vector to this CPU.
void pin_to_self(unsigned pin, u32 mode_and_vector);

// Lets PIC interrupt 0 through, and gives the PICs the vectors from PIC_VECTORS on.
void pic_open(void);

// Makes the PIT raise its line once, in about half a millisecond.
void pit_start(void);

// Executes some thousand instructions: longer than any timer here takes. With interrupts, or without.
u64 wait_with_interrupts(u64, u64);
u64 wait_without(u64, u64);
