// Lab 01: descriptors by hand-worked values, then what the CPU really uses.

#include <arch/msr.h>
#include <arch/segments.h>
#include <cpu/gdt.h>
#include <kernel/string.h>
#include <kernel/test.h>

// SDM vol. 3, figure 3-8, worked by hand: base 0, limit 0xfffff pages, accessed.
#define CODE64_RING0 0x00af9b000000fffful
#define CODE32_RING0 0x00cf9b000000fffful
#define DATA_RING0   0x00cf93000000fffful
#define CODE64_RING3 0x00affb000000fffful
#define CODE32_RING3 0x00cffb000000fffful
#define DATA_RING3   0x00cff3000000fffful

#define TSS_BUSY 0x8b // present, DPL 0, type 11: what LTR makes of type 9

static struct percpu scratch;

TEST_BEFORE(INIT_SEGMENTS, descriptors)
{
    report_bits(segment_make(SEGMENT_CODE | SEGMENT_64), CODE64_RING0, "64-bit code, ring 0");
    report_bits(segment_make(SEGMENT_CODE | SEGMENT_32), CODE32_RING0, "32-bit code, ring 0");
    report_bits(segment_make(SEGMENT_DATA | SEGMENT_32), DATA_RING0, "data, ring 0");
    report_bits(segment_make(SEGMENT_CODE | SEGMENT_64 | SEGMENT_USER), CODE64_RING3,
                "64-bit code, ring 3");
    report_bits(segment_make(SEGMENT_CODE | SEGMENT_32 | SEGMENT_USER), CODE32_RING3,
                "32-bit code, ring 3");
    report_bits(segment_make(SEGMENT_DATA | SEGMENT_32 | SEGMENT_USER), DATA_RING3, "data, ring 3");
}

static void expect_tss_descriptor(u64 base, u64 low, u64 high)
{
    const u64 rubbish[2] = { test_pattern(), test_pattern() };
    u64 half[2] = { rubbish[0], rubbish[1] };

    tss_descriptor_make(half, (const struct tss *)base);
    report(half[0] != rubbish[0], "half[0] was written at all");
    report(half[1] != rubbish[1], "half[1] was written at all");
    if (half[0] != rubbish[0])
        report_bits(half[0], low, "low half for a TSS at 0x%lx", base);
    if (half[1] != rubbish[1])
        report_bits(half[1], high, "high half for a TSS at 0x%lx", base);
}

// SDM vol. 3, figure 8-4, worked by hand: limit 0x67, type 9, present, DPL 0.
TEST_BEFORE(INIT_SEGMENTS, tss_descriptor)
{
    expect_tss_descriptor(0, 0x0000890000000067, 0);
    expect_tss_descriptor(0xfedcba9876543210, 0x7600895432100067, 0xfedcba98);
    expect_tss_descriptor(0xffffffff80001080, 0x8000890010800067, 0xffffffff);
    expect_tss_descriptor(0x00000000ff000000, 0xff00890000000067, 0);
    expect_tss_descriptor(0x0000000100ffffff, 0x000089ffffff0067, 1);
}

static void expect_entry(const struct percpu *cpu, unsigned selector, u64 expected,
                         const char *name)
{
    report_bits(cpu->gdt[selector / 8], expected, "GDT entry 0x%02x, %s", selector & ~7u, name);
}

// SDM vol. 1, section 19.5.2: a base at the TSS's limit or beyond it means that there is no map.
static void expect_no_bitmap(const struct tss *tss)
{
    if (tss->io_map < sizeof(*tss) - 1)
        report_equal(tss->io_map, sizeof(*tss),
                     "TSS: offset of the I/O bitmap, any beyond its end");
}

static void expect_segments(const struct percpu *cpu)
{
    expect_entry(cpu, 0, 0, "null");
    expect_entry(cpu, KERNEL32_CS, CODE32_RING0, "KERNEL32_CS");
    expect_entry(cpu, KERNEL_CS, CODE64_RING0, "KERNEL_CS");
    expect_entry(cpu, KERNEL_DS, DATA_RING0, "KERNEL_DS");
    expect_entry(cpu, USER32_CS, CODE32_RING3, "USER32_CS");
    expect_entry(cpu, USER_DS, DATA_RING3, "USER_DS");
    expect_entry(cpu, USER_CS, CODE64_RING3, "USER_CS");
    expect_entry(cpu, USER_CS + 8, 0, "empty");
    for (unsigned free = TSS_SELECTOR + 16; free < sizeof(cpu->gdt); free += 8)
        expect_entry(cpu, free, 0, "empty");
}

TEST_BEFORE(INIT_SEGMENTS, table)
{
    u64 half[2];

    memset(&scratch, 0, sizeof(scratch));
    gdt_fill(&scratch);
    expect_segments(&scratch);
    memcpy(half, &scratch.gdt[TSS_SELECTOR / 8], sizeof(half)); // for a half that is never written
    tss_descriptor_make(half, &scratch.tss);
    expect_entry(&scratch, TSS_SELECTOR, half[0], "TSS, low half");
    expect_entry(&scratch, TSS_SELECTOR + 8, half[1], "TSS, high half");
    expect_no_bitmap(&scratch.tss);
}

TEST_BEFORE(INIT_SEGMENTS, gdtr)
{
    struct table_register gdtr = gdtr_make(&scratch);

    report_equal(gdtr.limit, GDT_ENTRIES * 8 - 1, "limit, the last byte's offset");
    report_equal(gdtr.base, (u64)scratch.gdt, "base");
}

// There is no IDT yet: reading through a wrong base would end the machine instead of the test.
static void expect_gs(const struct percpu *cpu)
{
    u64 base = msr_read(MSR_GS_BASE);

    report_equal(base, (u64)cpu, "GS_BASE");
    report_equal(msr_read(MSR_KERNEL_GS_BASE), 0, "KERNEL_GS_BASE, for SWAPGS to bring in");
    report_equal(cpu->self, cpu, "self, the block's first word");
    if (base == (u64)cpu)
        report_equal(this_cpu(), cpu, "the word at gs:0, this_cpu()");
}

TEST_BEFORE(INIT_SEGMENTS, percpu)
{
    msr_write(MSR_KERNEL_GS_BASE, test_pattern() >> 17); // as if something had used it before
    scratch.self = NULL;
    percpu_load(&scratch);
    expect_gs(&scratch);
}

// The selector in a segment register: cs, ss, ds, es, fs or gs.
#define selector(name)                                \
    ({                                                \
        u64 value;                                    \
        asm volatile("mov %0, " #name : "=r"(value)); \
        value;                                        \
    })

static u64 selector_tr(void)
{
    u64 value = 0;
    asm volatile("str %w0" : "+r"(value));
    return value;
}

TEST(loaded)
{
    struct table_register gdtr;

    asm volatile("sgdt %0" : "=m"(gdtr));
    report_equal(gdtr.base, (u64)percpu0.gdt, "GDTR base");
    report_equal(gdtr.limit, GDT_ENTRIES * 8 - 1, "GDTR limit");
    report_equal(selector(cs), KERNEL_CS, "CS");
    report_equal(selector(ss), KERNEL_DS, "SS");
    report_equal(selector(ds), KERNEL_DS, "DS");
    report_equal(selector(es), KERNEL_DS, "ES");
    report_equal(selector(fs), 0, "FS");
    report_equal(selector(gs), 0, "GS");
    expect_segments(&percpu0);
}

TEST(task_register)
{
    const u64 *half = &percpu0.gdt[TSS_SELECTOR / 8];
    u64 base = (half[0] >> 16 & 0xffffff) | half[0] >> 56 << 24 | half[1] << 32;
    u64 limit = 0;

    report_equal(selector_tr(), TSS_SELECTOR, "TR");
    report_equal(base, (u64)&percpu0.tss, "base in the TSS's descriptor");
    if (selector_tr() == TSS_SELECTOR)
        report_equal(half[0] >> 40 & 0xff, TSS_BUSY, "present and type of the TSS, busy after LTR");
    report_equal(half[1] >> 32, 0, "bits 127:96 of the TSS's descriptor, reserved");
    asm volatile("lsl %0, %1" : "+r"(limit) : "r"((u64)TSS_SELECTOR));
    report_equal(limit, sizeof(struct tss) - 1, "limit of the TSS, as LSL reads it");
    expect_no_bitmap(&percpu0.tss);
}

TEST(gs_base)
{
    expect_gs(&percpu0);
    report(msr_read(MSR_GS_BASE) >> 63, "a kernel's GS base is negative: lab 10 tells by the sign");
}
