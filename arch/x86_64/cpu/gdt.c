// The GDT, the TSS and the per-CPU block of one CPU.
// SDM vol. 3, sections 3.4.5 (descriptors), 8.2.3 (TSS descriptor), 8.7 (64-bit TSS).

#include <arch/hole.h>
#include <cpu/gdt.h>
#include <kernel/init.h>

enum {
    SEGMENT_LIMIT_LOW = 0xffff,     // limit 15:0
    SEGMENT_ACCESSED = 1 << 8,      // as if used already: the CPU need not write it
    SEGMENT_NOT_SYSTEM = 1 << 12,   // S
    SEGMENT_PRESENT = 1 << 15,      // P
    SEGMENT_LIMIT_HIGH = 0xf << 16, // limit 19:16
    SEGMENT_PAGES = 1 << 23,        // G: the limit counts pages
    TSS_AVAILABLE = 0x9 << 8,       // type; LTR makes it 0xb, busy
};

struct percpu percpu0;

u64 segment_make(u32 flags)
{
    //@ lab 1.1  High half: flags and what all segments share; low half: limit 15:0. {
    u32 high = flags | SEGMENT_ACCESSED | SEGMENT_NOT_SYSTEM | SEGMENT_PRESENT |
               SEGMENT_LIMIT_HIGH | SEGMENT_PAGES;

    return (u64)high << 32 | SEGMENT_LIMIT_LOW;
    //@ } hole("1.1");
}

void tss_descriptor_make(u64 half[2], const struct tss *tss)
{
    //@ lab 1.2  The base is in four pieces, the last of them in a second descriptor. {
    u64 base = (u64)tss;
    u64 limit = sizeof(*tss) - 1;

    half[0] = limit | (base & 0xffffff) << 16 | (u64)(TSS_AVAILABLE | SEGMENT_PRESENT) << 32 |
              (base >> 24 & 0xff) << 56;
    half[1] = base >> 32;
    //@ } hole("1.2");
}

void gdt_fill(struct percpu *cpu)
{
    //@ lab 1.3  SYSCALL takes CS and SS side by side, SYSRET counts 8 and 16 up from USER32_CS.
    //@          The TSS takes two entries; its I/O bitmap lies beyond its end: there is none. {
    cpu->gdt[KERNEL32_CS / 8] = segment_make(SEGMENT_CODE | SEGMENT_32);
    cpu->gdt[KERNEL_CS / 8] = segment_make(SEGMENT_CODE | SEGMENT_64);
    cpu->gdt[KERNEL_DS / 8] = segment_make(SEGMENT_DATA | SEGMENT_32);
    cpu->gdt[USER32_CS / 8] = segment_make(SEGMENT_CODE | SEGMENT_32 | SEGMENT_USER);
    cpu->gdt[USER_DS / 8] = segment_make(SEGMENT_DATA | SEGMENT_32 | SEGMENT_USER);
    cpu->gdt[USER_CS / 8] = segment_make(SEGMENT_CODE | SEGMENT_64 | SEGMENT_USER);
    cpu->tss.io_map = sizeof(cpu->tss);
    tss_descriptor_make(&cpu->gdt[TSS_SELECTOR / 8], &cpu->tss);
    //@ } hole("1.3");
}

struct table_register gdtr_make(const struct percpu *cpu)
{
    struct table_register gdtr = { 0 };

    //@ lab 1.4  The limit is the offset of the table's last byte, not its size. {
    gdtr.limit = sizeof(cpu->gdt) - 1;
    gdtr.base = (u64)cpu->gdt;
    //@ } hole("1.4");
    return gdtr;
}

static void segments_initialise(void)
{
    struct percpu *cpu = &percpu0;
    struct table_register gdtr;

    gdt_fill(cpu);
    gdtr = gdtr_make(cpu);
    gdt_load(&gdtr);
    percpu_load(cpu);
}
INIT(INIT_SEGMENTS, segments_initialise);
