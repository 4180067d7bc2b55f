// The bases of FS and GS, which a program asks for and sets: FS points to its thread's variables.
// AMD APM vol. 2, section 4.5.3; arch_prctl(2).

#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/task.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/errno.h>

enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };

// While the kernel runs, SWAPGS has put the program's GS base where the kernel's was.
#define MSR_PROGRAMS_GS_BASE MSR_KERNEL_GS_BASE

// A base that is not canonical would be #GP at WRMSR; one in the upper half is the mark of the kernel's own. The
// selector is zeroed, for loading it once more would bring back a base of its own.
static long set_base(bool gs, u64 base)
{
    if (base >= USER_END - PAGE_SIZE)
        return -EPERM;
    interrupts_disable();
    if (gs)
        user_gs_load(0);
    else
        asm volatile("mov fs, %0" ::"r"(0));
    msr_write(gs ? MSR_PROGRAMS_GS_BASE : MSR_FS_BASE, base);
    interrupts_enable();
    return 0;
}

long sys_arch_prctl(int code, u64 address)
{
    switch (code) {
    case SET_GS:
    case SET_FS:
        return set_base(code == SET_GS, address);
    case GET_FS:
        return user_put64(address, msr_read(MSR_FS_BASE));
    case GET_GS:
        return user_put64(address, msr_read(MSR_PROGRAMS_GS_BASE));
    default:
        return -EINVAL;
    }
}
