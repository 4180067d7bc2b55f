// Control registers and the few instructions that C has no words for. SDM vol. 3, section 2.5.
#pragma once

#include <arch/types.h>

#define CR0_PE (1ul << 0)
#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_ET (1ul << 4)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)
#define CR0_PG (1ul << 31)

#define CR4_DE         (1ul << 3)
#define CR4_PAE        (1ul << 5)
#define CR4_MCE        (1ul << 6)
#define CR4_PGE        (1ul << 7)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_PCIDE      (1ul << 17)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define RFLAGS_CF    (1ul << 0)
#define RFLAGS_FIXED (1ul << 1)
#define RFLAGS_PF    (1ul << 2)
#define RFLAGS_AF    (1ul << 4)
#define RFLAGS_ZF    (1ul << 6)
#define RFLAGS_SF    (1ul << 7)
#define RFLAGS_TF    (1ul << 8)
#define RFLAGS_IF    (1ul << 9)
#define RFLAGS_DF    (1ul << 10)
#define RFLAGS_OF    (1ul << 11)
#define RFLAGS_IOPL  (3ul << 12)
#define RFLAGS_NT    (1ul << 14)
#define RFLAGS_RF    (1ul << 16)
#define RFLAGS_VM    (1ul << 17)
#define RFLAGS_AC    (1ul << 18)
#define RFLAGS_ID    (1ul << 21)

struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid out;
    asm volatile("cpuid"
                 : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                 : "a"(leaf), "c"(subleaf));
    return out;
}

static inline u64 read_cr0(void)
{
    u64 value;
    asm volatile("mov %0, cr0" : "=r"(value));
    return value;
}

static inline void write_cr0(u64 value)
{
    asm volatile("mov cr0, %0" ::"r"(value) : "memory");
}

static inline u64 read_cr2(void)
{
    u64 value;
    asm volatile("mov %0, cr2" : "=r"(value));
    return value;
}

static inline void write_cr2(u64 value)
{
    asm volatile("mov cr2, %0" ::"r"(value) : "memory");
}

static inline u64 read_cr3(void)
{
    u64 value;
    asm volatile("mov %0, cr3" : "=r"(value));
    return value;
}

static inline void write_cr3(u64 value)
{
    asm volatile("mov cr3, %0" ::"r"(value) : "memory");
}

static inline u64 read_cr4(void)
{
    u64 value;
    asm volatile("mov %0, cr4" : "=r"(value));
    return value;
}

static inline void write_cr4(u64 value)
{
    asm volatile("mov cr4, %0" ::"r"(value) : "memory");
}

// Makes #DB strike before the instruction at `address` (DR0); breakpoint_clear() ends that.
// SDM vol. 3, section 18.2.
static inline void breakpoint_set(u64 address)
{
    u64 l0 = 1; // condition and length of DR0 stay 0: execution
    asm volatile("mov dr0, %0\n\tmov dr7, %1" ::"r"(address), "r"(l0));
}

static inline void breakpoint_clear(void)
{
    asm volatile("mov dr7, %0" ::"r"(0ul));
}

// Drops what the CPU keeps of the page at `address`, a global one too. SDM vol. 3, section 4.10.4.1.
static inline void invalidate_page(u64 address)
{
    asm volatile("invlpg [%0]" ::"r"(address) : "memory");
}

static inline u64 read_tsc(void)
{
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

static inline u64 read_rflags(void)
{
    u64 value;
    asm volatile("pushfq\n\tpop %0" : "=r"(value));
    return value;
}

// Without SMAP, where there is no CLAC, AC means nothing in ring 0, and clearing it does no harm.
static inline void clear_ac(void)
{
    asm volatile("pushfq\n\t"
                 "and dword ptr [rsp], %0\n\t"
                 "popfq" ::"i"(~RFLAGS_AC)
                 : "memory", "cc");
}
