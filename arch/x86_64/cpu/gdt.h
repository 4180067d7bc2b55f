// Segments: what the GDT holds and how the CPU comes to use it. SDM vol. 3, sections 3.4.5, 8.2.3.
#pragma once

#include <arch/percpu.h>
#include <arch/types.h>

// What tells one code or data segment from another; base 0 and limit 4 GiB are common to all.
enum segment_flags {
    SEGMENT_DATA = 0x2 << 8, // type: writable
    SEGMENT_CODE = 0xa << 8, // type: readable
    SEGMENT_USER = 3 << 13,  // DPL 3; without it DPL 0
    SEGMENT_64 = 1 << 21,    // L: 64-bit code
    SEGMENT_32 = 1 << 22,    // D/B: 32-bit code, or data
};

// What LGDT and LIDT read. SDM vol. 3, figure 3-11 "Pseudo-Descriptor Formats".
struct table_register {
    u16 limit; // the last byte, not the size
    u64 base;
} packed;
static_assert(sizeof(struct table_register) == 10, "SDM vol. 3, figure 3-11");

// The descriptor of a code or data segment: present, accessed, base 0, limit 4 GiB.
u64 segment_make(u32 flags);

// The two halves of an available 64-bit TSS's descriptor, `half[0]` the low one.
void tss_descriptor_make(u64 half[2], const struct tss *tss);

// Fills the table in the order of <arch/segments.h>.
void gdt_fill(struct percpu *cpu);

// What LGDT wants for the table of `cpu`.
struct table_register gdtr_make(const struct percpu *cpu);

// Loads GDTR; CS, SS, DS and ES with the kernel's selectors, FS and GS with null; and TR.
// Loading GS may clear its base (Intel: always; AMD: by model), so the MSR is written after this.
// gdt_load.asm.
void gdt_load(const struct table_register *gdtr);

// Makes GS point to `cpu`. KERNEL_GS_BASE, which SWAPGS will exchange with it, becomes 0.
void percpu_load(struct percpu *cpu);
