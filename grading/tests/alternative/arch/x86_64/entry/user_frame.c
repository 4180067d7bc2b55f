// The first frame, from which IRETQ makes a program, and the stack for the way back.

#include <arch/cpu.h>
#include <arch/hole.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/task.h>

void user_frame_make(struct pt_regs *regs, u64 rip, u64 rsp)
{
    // LAB 7.1: As if it had been interrupted before its first instruction. Ring 3 is said by the
    //          selectors alone; no flag but IF, and the one that is always set.
    regs->r15 = regs->r14 = regs->r13 = regs->r12 = regs->rbp = regs->rbx = 0;
    regs->r11 = regs->r10 = regs->r9 = regs->r8 = 0;
    regs->rax = regs->rcx = regs->rdx = regs->rsi = regs->rdi = 0;
    regs->orig_rax = ~0ul;
    regs->rip = rip;
    regs->cs = 6 * 8 | 3;
    regs->rflags = 1 << 9 | 1 << 1;
    regs->rsp = rsp;
    regs->ss = 5 * 8 | 3;
}

void kernel_stack_use(const char *top)
{
    // LAB 7.2: The TSS holds the first RSP of a way in from ring 3 to ring 0.
    struct tss *tss = &this_cpu()->tss;
    u64 rsp0 = (u64)top;

    __builtin_memcpy(&tss->rsp[0], &rsp0, sizeof(rsp0));
}
