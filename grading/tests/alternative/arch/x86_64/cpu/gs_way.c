// FSGSBASE: programs may write their bases, and the paranoid doors find the kernel's by the CPU's number. SDM
// vol. 3, sections 2.5 (CR4) and 5.8.8; vol. 2, RDPID, LSL, WRGSBASE.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/hole.h>
#include <arch/msr.h>
#include <arch/paranoid.h>
#include <arch/percpu.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/init.h>

#define CPUID_FEATURES 7u
#define CPUID_FSGSBASE (1u << 0)  // in ebx
#define CPUID_RDPID    (1u << 22) // in ecx

// Of the high half of a descriptor. SDM vol. 3, figure 3-8.
enum {
    READ_ONLY_DATA = 1 << 8, // accessed
    NOT_SYSTEM = 1 << 12,
    DPL_USER = 3 << 13,
    PRESENT = 1 << 15,
};

void cpu_number_set(unsigned number)
{
    // LAB 10.11: As the limit of a segment that holds nothing else: limit 15:0 is in the low half. Where the
    //            CPU has RDPID, it reads MSR_TSC_AUX.
    u64 *entry = &this_cpu()->gdt[CPU_NUMBER / 8];
    u64 unused;

    *entry = number & 0xffff;
    *entry |= (u64)(PRESENT + DPL_USER + NOT_SYSTEM + READ_ONLY_DATA) << 32;
    if (msr_read_safe(MSR_TSC_AUX, &unused) == 0)
        msr_write(MSR_TSC_AUX, number);
}

int gs_way_use(enum gs_way way)
{
    struct cpuid leaf = { 0 };

    if (cpuid(0, 0).eax >= CPUID_FEATURES)
        leaf = cpuid(CPUID_FEATURES, 0);
    if (way != GS_BY_SIGN && !(leaf.ebx & CPUID_FSGSBASE))
        return -EINVAL;
    if (way == GS_BY_RDPID && !(leaf.ecx & CPUID_RDPID))
        return -EINVAL;
    if (way == GS_BY_SIGN) {
        features.fsgsbase = false;
        write_cr4(read_cr4() & ~CR4_FSGSBASE); // last: the doors used its instructions
        return 0;
    }
    cpu_number_set(0);
    write_cr4(read_cr4() | CR4_FSGSBASE); // first: the doors use the instructions
    features.rdpid = way == GS_BY_RDPID;
    features.fsgsbase = true;
    return 0;
}

static void gs_way_choose(void)
{
    if (cmdline.fsgsbase && gs_way_use(GS_BY_RDPID) != 0)
        gs_way_use(GS_BY_LSL);
}
INIT(INIT_TASKS, gs_way_choose);
