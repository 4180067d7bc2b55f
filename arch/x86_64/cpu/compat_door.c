// Which door for 32-bit code this CPU has. SDM vol. 2 and AMD APM vol. 3, SYSENTER and SYSCALL.

#include <arch/compat.h>
#include <arch/cpu.h>

enum { CPUID_VENDOR = 0, CPUID_FEATURES = 1, FEATURES_SEP = 1 << 11 };

// The vendor's name stands in ebx, edx, ecx.
static bool vendor_is(const struct cpuid *id, const char name[12])
{
    const u32 *words = (const u32 *)name;

    return id->ebx == words[0] && id->edx == words[1] && id->ecx == words[2];
}

enum compat_door compat_door(void)
{
    struct cpuid id = cpuid(CPUID_VENDOR, 0);

    if (vendor_is(&id, "AuthenticAMD") || vendor_is(&id, "HygonGenuine"))
        return COMPAT_SYSCALL;
    return cpuid(CPUID_FEATURES, 0).edx & FEATURES_SEP ? COMPAT_SYSENTER : COMPAT_INT80;
}
