// The registers of x87, SSE and AVX. SDM vol. 1, sections 10.5 (FXSAVE) and 13.7 (XSAVE); vol. 3, section 14.
//
// They are saved when a program stops and loaded when it goes on. CR0.TS stays 0: to wait for a
// program's first use, with #NM, saved little when most programs had none, costs an exception today,
// and on some CPUs left the former program's registers to be guessed at (LazyFP, CVE-2018-3665).

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/init.h>
#include <kernel/memory.h>

#define CPUID_BASIC          1u
#define CPUID_XSAVE          (1u << 26) // in ecx
#define CPUID_EXTENDED_STATE 0xdu

// XCR0; SDM vol. 3, section 2.6. The three parts of AVX-512 come together or not at all.
#define STATE_X87    (1ul << 0)
#define STATE_SSE    (1ul << 1)
#define STATE_AVX    (1ul << 2)
#define STATE_AVX512 (7ul << 5)

enum { FXSAVE_SIZE = 512, FCW = 0, MXCSR = 24 }; // and the offsets of the two control registers

#define FCW_AT_START   0x037f // FNINIT's: extended precision, all exceptions masked
#define MXCSR_AT_START 0x1f80 // the same

static u64 states; // the bits of XCR0; 0 without XSAVE
static size_t area_size = FXSAVE_SIZE;

static void xcr0_write(u64 value)
{
    asm volatile("xsetbv" ::"c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static void xsave_enable(void)
{
    struct cpuid leaf;
    u64 has;

    write_cr4(read_cr4() | CR4_OSXSAVE);
    leaf = cpuid(CPUID_EXTENDED_STATE, 0);
    has = (u64)leaf.edx << 32 | leaf.eax;
    states = has & (STATE_X87 | STATE_SSE | STATE_AVX);
    if (states & STATE_AVX && (has & STATE_AVX512) == STATE_AVX512)
        states |= STATE_AVX512;
    xcr0_write(states);
    area_size = cpuid(CPUID_EXTENDED_STATE, 0).ebx; // of what XCR0 has now
}

static void fpu_initialise(void)
{
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    if (cpuid(CPUID_BASIC, 0).ecx & CPUID_XSAVE)
        xsave_enable();
}
INIT(INIT_TASKS, fpu_initialise);

static size_t pages(void)
{
    return (area_size + PAGE_SIZE - 1) / PAGE_SIZE;
}

// Zeroes say of each state that it is as after a reset (XSTATE_BV, section 13.6), but for MXCSR, which
// XRSTOR takes from memory all the same, and for what FXRSTOR reads.
void *fpu_new(void)
{
    char *area = pages_allocate(pages());

    if (!area)
        return NULL;
    for (size_t i = 0; i < pages(); i++)
        page_clear(area + i * PAGE_SIZE);
    *(u16 *)(area + FCW) = FCW_AT_START;
    *(u32 *)(area + MXCSR) = MXCSR_AT_START;
    return area;
}

void fpu_free(void *area)
{
    pages_free(area, pages());
}

void fpu_save(void *area)
{
    if (states)
        asm volatile("xsave64 [%0]" ::"r"(area), "a"((u32)states), "d"((u32)(states >> 32))
                     : "memory");
    else
        asm volatile("fxsave64 [%0]" ::"r"(area) : "memory");
}

// FNINIT first: AMD's CPUs load the addresses of the last x87 instruction and its operand only if an
// exception is pending, and would leave those of the program before (APM vol. 2, section 11.4.4.3).
void fpu_load(const void *area)
{
    asm volatile("fninit");
    if (states)
        asm volatile("xrstor64 [%0]" ::"r"(area), "a"((u32)states), "d"((u32)(states >> 32))
                     : "memory");
    else
        asm volatile("fxrstor64 [%0]" ::"r"(area) : "memory");
}
