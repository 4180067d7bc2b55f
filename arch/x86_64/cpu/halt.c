// HLT behind STI, and an exception between the two. SDM vol. 2, STI: what it holds back is interrupts.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/segments.h>

#define HLT 0xf4

// In the kernel's code rip can be followed: it is mapped.
void halt_overtaken(struct pt_regs *regs)
{
    if (regs->rip < (u64)text_start || regs->rip >= (u64)text_end || regs->cs & RPL_MASK)
        return;
    if (regs->rflags & RFLAGS_IF && *(const u8 *)regs->rip == HLT)
        regs->rip++;
}
