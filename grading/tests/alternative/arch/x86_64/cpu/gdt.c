// The GDT, the TSS and the per-CPU block of one CPU.
// SDM vol. 3, sections 3.4.5 (descriptors), 8.2.3 (TSS descriptor), 8.7 (64-bit TSS).

#include <arch/hole.h>
#include <cpu/gdt.h>
#include <kernel/init.h>
#include <kernel/string.h>

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

// A descriptor byte by byte, as figure 3-8 would print it in memory.
struct descriptor {
    u16 limit_low;
    u8 base_low[3];
    u8 access;
    u8 limit_high_and_flags;
    u8 base_high;
} packed;
static_assert(sizeof(struct descriptor) == sizeof(u64), "one entry of the table");

static u64 as_word(struct descriptor descriptor)
{
    u64 word;

    memcpy(&word, &descriptor, sizeof(word));
    return word;
}

u64 segment_make(u32 flags)
{
    // LAB 1.1: whatever I draw on paper: bytes 5 and 6 differ, the others are the same for all.
    u32 shared = SEGMENT_PAGES + SEGMENT_LIMIT_HIGH + SEGMENT_PRESENT + SEGMENT_NOT_SYSTEM +
                 SEGMENT_ACCESSED;
    u32 both = flags | shared;
    struct descriptor descriptor = {
        .limit_low = SEGMENT_LIMIT_LOW,
        .access = (u8)(both >> 8),
        .limit_high_and_flags = (u8)(both >> 16),
    };

    return as_word(descriptor);
}

/* The base is scattered; put its lower half where a descriptor wants it. */
static void set_base(struct descriptor *descriptor, u32 base)
{
    for (unsigned i = 0; i < sizeof(descriptor->base_low); i++, base >>= 8)
        descriptor->base_low[i] = (u8)base;
    descriptor->base_high = (u8)base;
}

void tss_descriptor_make(u64 half[2], const struct tss *tss)
{
    // LAB 1.2: The base is in four pieces, the last of them in a second descriptor.
    struct descriptor low = { 0 };
    u32 base[2];

    memcpy(base, &tss, sizeof(base));
    set_base(&low, base[0]);
    low.limit_low = sizeof(struct tss) - 1;
    low.access = (TSS_AVAILABLE | SEGMENT_PRESENT) >> 8;
    half[1] = base[1];
    half[0] = as_word(low);
}

// What stands where, in the order of the table.
static const struct {
    unsigned selector;
    u32 flags;
} plan[] = {
    { KERNEL32_CS, SEGMENT_32 | SEGMENT_CODE },
    { KERNEL_CS, SEGMENT_64 | SEGMENT_CODE },
    { KERNEL_DS, SEGMENT_32 | SEGMENT_DATA },
    { USER32_CS, SEGMENT_32 | SEGMENT_CODE | SEGMENT_USER },
    { USER_DS, SEGMENT_32 | SEGMENT_DATA | SEGMENT_USER },
    { USER_CS, SEGMENT_64 | SEGMENT_CODE | SEGMENT_USER },
};

void gdt_fill(struct percpu *cpu)
{
    // LAB 1.3
    u64 *entry = cpu->gdt;

    memset(entry, 0, sizeof(cpu->gdt));
    for (size_t i = 0; i < array_length(plan); i++)
        entry[plan[i].selector >> 3] = segment_make(plan[i].flags);
    tss_descriptor_make(entry + (TSS_SELECTOR >> 3), &cpu->tss);
    cpu->tss.io_map = sizeof(struct tss); // right behind the end
}

struct table_register gdtr_make(const struct percpu *cpu)
{
    struct table_register gdtr = { 0 };

    // LAB 1.4: The limit is the offset of the table's last byte, not its size.
    const u8 *first = (const u8 *)&cpu->gdt[0];
    const u8 *last = (const u8 *)&cpu->gdt[GDT_ENTRIES] - 1;

    gdtr = (struct table_register){ .base = (u64)first, .limit = (u16)(last - first) };
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
