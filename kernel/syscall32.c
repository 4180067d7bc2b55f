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
    //@ lab 9.7  ebx, ecx, edx, esi, edi, ebp: 32 bits of each, whoever calls, and nothing of the upper halves. {
    const u64 arguments[CALLS32_ARGUMENTS] = {
        (u32)regs->rbx, (u32)regs->rcx, (u32)regs->rdx,
        (u32)regs->rsi, (u32)regs->rdi, (u32)regs->rbp,
    };

    return calls32_make((u32)regs->orig_rax, arguments);
    //@ } hole("9.7");
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

    //@ lab 9.8  ebp was needed for something else: the true one lies on top of the program's stack, which
    //@          may be anywhere. The program goes on at the landing pad, whatever comes out. {
    regs->rip = compat_page_address(compat_page_landing);
    if (user_get32(regs->rsp, &sixth) < 0) {
        regs->rax = (u64)-EFAULT;
        return;
    }
    regs->rbp = sixth;
    do_syscall32(regs);
    //@ } hole("9.8");
}
