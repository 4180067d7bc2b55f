// A row of the table of disagreements: provoke one behaviour, say what was seen, judge nothing.
#pragma once

#include <arch/cpu.h>
#include <arch/types.h>
#include <kernel/emulators/catch.h>
#include <kernel/test.h>

// ROW(idt_error_code) { ... } is the row `idt-error-code` of grading/emulators/rows.toml. Rows run
// before the kernel has interrupts of its own.
#define ROW(name)          ROW_AT(name, __LINE__)
#define ROW_AT(name, line) ROW_IN(name, line)
#define ROW_IN(id, line)               \
    static void show_##id(void);       \
    TEST_AT(INIT_INTERRUPTS, id, line) \
    {                                  \
        catch_prepare();               \
        show_##id();                   \
    }                                  \
    static void show_##id(void)

// Says what was seen, in the words of rows.toml: a line `# observed: ...`. Once in each row.
void observed(const char *format, ...) __attribute__((format(printf, 1, 2)));

// This CPU or machine lacks what the row is about.
#define not_there() skip("not there")

// Bits of CPUID, leaf 7, EBX, and leaf 1, ECX. SDM vol. 2, CPUID.
#define CPUID7_FSGSBASE (1u << 0)
#define CPUID7_SMEP     (1u << 7)
#define CPUID7_SMAP     (1u << 20)
#define CPUID1_PCID     (1u << 17)
#define CPUID1_X2APIC   (1u << 21)
#define CPUID1_DEADLINE (1u << 24)

static inline bool cpu_has_7(u32 bit)
{
    return cpuid(7, 0).ebx & bit;
}

static inline bool cpu_has_1(u32 bit)
{
    return cpuid(1, 0).ecx & bit;
}
