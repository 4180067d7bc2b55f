// The MSRs of SYSCALL and SYSENTER. SDM vol. 3, sections 5.8.7 and 5.8.8.

#include <arch/msr.h>
#include <arch/segments.h>
#include <kernel/emulators/catch.h>
#include <kernel/emulators/fast_ways.h>

static u64 efer, star, lstar, fmask;

void syscall_set_up(u64 mask)
{
    efer = msr_read(MSR_EFER);
    star = msr_read(MSR_STAR);
    lstar = msr_read(MSR_LSTAR);
    fmask = msr_read(MSR_FMASK);
    msr_write(MSR_EFER, efer | EFER_SCE);
    msr_write(MSR_STAR, (u64)KERNEL_CS << 32);
    msr_write(MSR_LSTAR, (u64)syscall_entry);
    msr_write(MSR_FMASK, mask);
}

void syscall_put_back(void)
{
    msr_write(MSR_FMASK, fmask);
    msr_write(MSR_LSTAR, lstar);
    msr_write(MSR_STAR, star);
    msr_write(MSR_EFER, efer);
}

void sysenter_set_up(const void *entry)
{
    msr_write(MSR_SYSENTER_CS, KERNEL_CS);
    msr_write(MSR_SYSENTER_ESP, (u64)row_stack_top);
    msr_write(MSR_SYSENTER_EIP, (u64)entry);
}
