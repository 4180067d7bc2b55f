// What SYSCALL and SYSRET load: selectors, the way in, and the flags that end at it.
// SDM vol. 3, section 5.8.8; AMD APM vol. 2, section 6.1.1.

#include <arch/cpu.h>
#include <arch/hole.h>
#include <arch/msr.h>
#include <arch/segments.h>
#include <entry/syscall_door.h>
#include <kernel/init.h>

u64 syscall_star(void)
{
    // LAB 8.1: SYSCALL: CS from bits 47:32, SS 8 above. SYSRET to 64-bit code: CS 16 above bits 63:48, SS
    //          8 above them; Intel's CPUs add the RPL themselves, AMD's take SS's from here.
    return (u64)(KERNEL_CS | USER32_CS << 16) << 32;
}

u64 syscall_mask(void)
{
    // LAB 8.2: Each bit that is set here SYSCALL clears in rflags. IF: there is no stack yet. TF: a #DB at
    //          each instruction of ours. DF: C expects it clear. NT: IRETQ would be #GP. AC: it opens all
    //          user memory to the kernel. RF: it would hide a breakpoint.
    // As Linux: also those that harm nobody, so that the kernel always begins alike.
    return RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF | RFLAGS_ID |
           RFLAGS_IOPL | RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF;
}

void syscall_door_open(void)
{
    // LAB 8.5: Where SYSCALL leads to, from 64-bit code and from 32-bit code; and EFER.SCE, without which
    //          it is #UD, when all else is in place.
    static u64 (*const values[])(void) = { syscall_star, syscall_mask };
    static const u32 registers[] = { MSR_STAR, MSR_FMASK };

    for (unsigned i = 0; i < array_length(values); i++)
        msr_write(registers[i], values[i]());
    msr_write(MSR_CSTAR, (u64)ignore_syscall32);
    msr_write(MSR_LSTAR, (u64)entry_syscall);
    msr_write(MSR_EFER, EFER_SCE | msr_read(MSR_EFER));
}
INIT(INIT_TASKS, syscall_door_open);
