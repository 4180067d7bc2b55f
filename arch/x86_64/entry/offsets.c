// The only bridge from C to assembly: constants and offsets, printed by the compiler.
// `gcc -S` writes one line "=> %define NAME value" for each; the Makefile keeps those.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/regs.h>
#include <arch/segments.h>
#include <arch/vectors.h>
#include <kernel/errno.h>

#define CONST(name, value)       asm volatile("\n=> %%define " #name " %0" ::"i"(value))
#define SAME(name)               asm volatile("\n=> %%define " #name " %0" ::"i"(name))
#define FIELD(name, type, field) CONST(name, offsetof(type, field))

#define TABLE_INDEX(address, level) ((u64)(address) >> (12 + 9 * (level)) & 511)

void offsets(void);

void offsets(void)
{
    FIELD(PT_R15, struct pt_regs, r15);
    FIELD(PT_R14, struct pt_regs, r14);
    FIELD(PT_R13, struct pt_regs, r13);
    FIELD(PT_R12, struct pt_regs, r12);
    FIELD(PT_RBP, struct pt_regs, rbp);
    FIELD(PT_RBX, struct pt_regs, rbx);
    FIELD(PT_R11, struct pt_regs, r11);
    FIELD(PT_R10, struct pt_regs, r10);
    FIELD(PT_R9, struct pt_regs, r9);
    FIELD(PT_R8, struct pt_regs, r8);
    FIELD(PT_RAX, struct pt_regs, rax);
    FIELD(PT_RCX, struct pt_regs, rcx);
    FIELD(PT_RDX, struct pt_regs, rdx);
    FIELD(PT_RSI, struct pt_regs, rsi);
    FIELD(PT_RDI, struct pt_regs, rdi);
    FIELD(PT_ORIG_RAX, struct pt_regs, orig_rax);
    FIELD(PT_RIP, struct pt_regs, rip);
    FIELD(PT_CS, struct pt_regs, cs);
    FIELD(PT_RFLAGS, struct pt_regs, rflags);
    FIELD(PT_RSP, struct pt_regs, rsp);
    FIELD(PT_SS, struct pt_regs, ss);
    CONST(PT_SIZE, sizeof(struct pt_regs));

    FIELD(FEATURES_SMAP, struct features, smap);
    FIELD(FEATURES_FSGSBASE, struct features, fsgsbase);
    FIELD(FEATURES_RDPID, struct features, rdpid);
    SAME(EFAULT);
    SAME(ENOSYS);

    FIELD(PERCPU_KERNEL_STACK, struct percpu, tss.rsp[0]);
    FIELD(PERCPU_USER_RSP, struct percpu, user_rsp);
    FIELD(PERCPU_EXIT_WORK, struct percpu, exit_work);
    FIELD(PERCPU_IST_DB, struct percpu, tss.ist[IST_DB - 1]);
    SAME(MACHINE_CHECK_PLACE);

    SAME(VECTOR_DB);
    SAME(VECTOR_NMI);
    SAME(VECTOR_DF);
    SAME(VECTOR_MC);

    SAME(NO_SYSTEM_CALL);
    SAME(NO_ERROR_CODE);
    SAME(RPL_MASK);
    SAME(RFLAGS_FIXED);
    SAME(RFLAGS_IF);
    SAME(RFLAGS_TF);
    SAME(RFLAGS_RF);
    SAME(KERNEL_CS);
    SAME(KERNEL_DS);
    SAME(USER32_CS);
    SAME(USER_DS);
    SAME(USER_CS);
    SAME(USER_END);
    SAME(CPU_NUMBER);
    SAME(MSR_GS_BASE);
    SAME(MSR_MCG_STATUS);
    SAME(MSR_KERNEL_GS_BASE);
    SAME(TSS_SELECTOR);

    SAME(CR0_PE);
    SAME(CR0_MP);
    SAME(CR0_ET);
    SAME(CR0_NE);
    SAME(CR0_WP);
    SAME(CR0_PG);
    SAME(CR4_PAE);
    SAME(CR4_PGE);
    SAME(MSR_EFER);
    SAME(EFER_LME);
    SAME(EFER_NXE);

    SAME(VECTOR_INT80);
    SAME(VECTOR_PIC);
    SAME(VECTOR_SPURIOUS);
    SAME(APIC_END_OF_INTERRUPT);
    SAME(APIC_COMMAND_LOW);

    SAME(PAGE_SIZE);
    SAME(LARGE_PAGE_SIZE);
    SAME(BOOT_STACK_SIZE);
    SAME(DIRECT_MAP_BASE);
    SAME(KERNEL_BASE);
    CONST(PML4_INDEX_DIRECT_MAP, TABLE_INDEX(DIRECT_MAP_BASE, 3));
    CONST(PML4_INDEX_KERNEL, TABLE_INDEX(KERNEL_BASE, 3));
    CONST(PDPT_INDEX_KERNEL, TABLE_INDEX(KERNEL_BASE, 2));
}
