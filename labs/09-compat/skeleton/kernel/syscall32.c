// System calls with i386's numbers and registers, by whichever door.

#include <arch/compat.h>
#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/task.h>
#include <arch/user.h>
#include <kernel/calls32.h>
#include <kernel/errno.h>

// Looks up the call that `regs` ask for, and makes it.
static long call(const struct pt_regs *regs)
{
    // LAB 9.7: ebx, ecx, edx, esi, edi, ebp: 32 bits of each, whoever calls, and nothing of the upper halves.
    hole("9.7");
}

void do_syscall32(struct pt_regs *regs)
{
    entered_from_user(regs);
    interrupts_enable();
    regs->rax = (u64)call(regs);
    interrupts_disable();
}

void do_fast_syscall32(struct pt_regs *regs)
{
    u32 sixth;

    // LAB 9.8: ebp was needed for something else: the true one lies on top of the program's stack, which
    //          may be anywhere. The program goes on at the landing pad, whatever comes out.
    hole("9.8");
}
