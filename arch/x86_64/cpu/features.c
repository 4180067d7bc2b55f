// The CPU's protections. SDM vol. 3, sections 2.5 (CR4) and 4.6 "Access Rights".

#include <arch/cpu.h>
#include <arch/features.h>
#include <kernel/init.h>

#define CPUID_FEATURES 7u
#define CPUID_SMEP     (1u << 7)  // in ebx
#define CPUID_SMAP     (1u << 20) // in ebx
#define CPUID_UMIP     (1u << 2)  // in ecx

struct features features;

static void features_initialise(void)
{
    struct cpuid leaf = { 0 };
    u64 cr4 = read_cr4();

    if (cpuid(0, 0).eax >= CPUID_FEATURES)
        leaf = cpuid(CPUID_FEATURES, 0);
    features.smep = leaf.ebx & CPUID_SMEP;
    features.smap = leaf.ebx & CPUID_SMAP;
    features.umip = leaf.ecx & CPUID_UMIP;
    cr4 |= (features.smep ? CR4_SMEP : 0) | (features.smap ? CR4_SMAP : 0) |
           (features.umip ? CR4_UMIP : 0);
    write_cr4(cr4);
}
INIT(INIT_FAULTS, features_initialise);
