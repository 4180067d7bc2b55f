// Every register, in words.

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/regs.h>
#include <kernel/print.h>

// A frame that is one slot off has an address here, and that is the best clue there is.
static void print_orig_rax(u64 value)
{
    if (value == NO_SYSTEM_CALL)
        print("  orig_rax -1, no system call\n");
    else
        print("  orig_rax %016lx\n", value);
}

static u64 selectors(void)
{
    u64 ds, es, fs, gs;

    asm volatile("mov %0, ds\n\tmov %1, es\n\tmov %2, fs\n\tmov %3, gs"
                 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds << 48 | es << 32 | fs << 16 | gs;
}

void regs_print(const struct pt_regs *regs)
{
    u64 segments = selectors();

    // The frame from its top, as frame.inc draws it.
    print("  rip    %p  cs %04lx  ss %04lx  rflags %08lx\n", (void *)regs->rip, regs->cs, regs->ss,
          regs->rflags);
    print("  rsp %016lx", regs->rsp);
    print_orig_rax(regs->orig_rax);
    print("  rdi %016lx  rsi %016lx  rdx %016lx\n", regs->rdi, regs->rsi, regs->rdx);
    print("  rcx %016lx  rax %016lx  r8  %016lx\n", regs->rcx, regs->rax, regs->r8);
    print("  r9  %016lx  r10 %016lx  r11 %016lx\n", regs->r9, regs->r10, regs->r11);
    print("  rbx %016lx  rbp %016lx  r12 %016lx\n", regs->rbx, regs->rbp, regs->r12);
    print("  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r13, regs->r14, regs->r15);
    print("  ds %04lx  es %04lx  fs %04lx  gs %04lx  efer %04lx\n", segments >> 48,
          segments >> 32 & 0xffff, segments >> 16 & 0xffff, segments & 0xffff, msr_read(MSR_EFER));
    print("  gs base %016lx  kernel gs base %016lx\n", msr_read(MSR_GS_BASE),
          msr_read(MSR_KERNEL_GS_BASE));
    print("  cr0 %016lx  cr2 %016lx  cr3 %016lx\n", read_cr0(), read_cr2(), read_cr3());
    print("  cr4 %016lx\n", read_cr4());
}
