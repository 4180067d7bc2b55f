// A row of the table of disagreements: provoke one behaviour, say what was seen, judge nothing.
#pragma once

#include <arch/types.h>
#include <kernel/emulators/catch.h>
#include <kernel/test.h>

// ROW(idt_error_code) { ... } is the row `idt-error-code` of grading/emulators/rows.toml. Rows run
// before the kernel has interrupts of its own.
#define ROW(name)               ROW_AT(name, __LINE__)
#define ROW_AT(name, line)      ROW_IN(name, line)
#define ROW_IN(id, line)        \
    static void show_##id(void); \
    TEST_AT(INIT_INTERRUPTS, id, line) { \
        catch_prepare();        \
        show_##id();             \
    }                           \
    static void show_##id(void)

// Says what was seen, in the words of rows.toml: a line `# observed: ...`. Once in each row.
void observed(const char *format, ...) __attribute__((format(printf, 1, 2)));

// This CPU or machine lacks what the row is about.
#define not_there() skip("not there")

// The eight hexadecimal digits of CPUID, SDM vol. 2.
struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid found = { 0 };

    asm volatile("cpuid" : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx)
                 : "a"(leaf), "c"(subleaf));
    return found;
}

// Bits of leaf 7, EBX, and of leaf 1, ECX.
#define CPUID7_FSGSBASE (1u << 0)
#define CPUID7_SMEP     (1u << 7)
#define CPUID7_SMAP     (1u << 20)
#define CPUID1_PCID     (1u << 17)
#define CPUID1_X2APIC   (1u << 21)
#define CPUID1_DEADLINE (1u << 24)

#define cpu_has_7(bit) (cpuid(7, 0).ebx & (bit))
#define cpu_has_1(bit) (cpuid(1, 0).ecx & (bit))
