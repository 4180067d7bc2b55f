// Rows: what SYSRET does with registers that no SYSCALL has left. SDM vol. 2, SYSRET.

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <kernel/emulators/catch.h>
#include <kernel/emulators/row.h>
#include <kernel/memory.h>

#define NOT_CANONICAL 0x8000000000000000ul
#define PLACE         0x10000000ul // of a page of ring 3's

// SYSRET to this rip with these flags; rsp stays. exceptions.asm
u64 sysret_to(u64 rip, u64 rflags);

// Runs it with what it needs: the MSRs, and a stack for the way back from ring 3.
static void sysret(u64 rip, u64 rflags)
{
    struct tss *tss = &this_cpu()->tss;
    u64 rsp0 = tss->rsp[0];
    u64 efer = msr_read(MSR_EFER), star = msr_read(MSR_STAR);

    tss->rsp[0] = (u64)row_stack_top;
    msr_write(MSR_EFER, efer | EFER_SCE);
    msr_write(MSR_STAR, (u64)USER32_CS << 48 | (u64)KERNEL_CS << 32);
    run(sysret_to, give_up, rip, rflags);
    msr_write(MSR_STAR, star);
    msr_write(MSR_EFER, efer);
    tss->rsp[0] = rsp0;
}

ROW(sysret_noncanonical)
{
    sysret(NOT_CANONICAL, RFLAGS_FIXED);
    observed("%s in ring %lu", name_of(0), event[0].regs.cs & RPL_MASK);
}

// A page of zeroes: its first instruction writes to where RAX points, unless a breakpoint strikes before.
ROW(sysret_resume_flag)
{
    void *page = pages_allocate(1);
    bool without, with;

    page_clear(page);
    paging_map(kernel_tables, PLACE, direct_map_physical(page), PTE_PRESENT | PTE_USER);
    breakpoint_set(PLACE);
    sysret(PLACE, RFLAGS_FIXED);
    without = event[0].vector == VECTOR_DB;
    breakpoint_set(PLACE);
    sysret(PLACE, RFLAGS_FIXED | RFLAGS_RF);
    with = event[0].vector == VECTOR_DB;
    paging_unmap(kernel_tables, PLACE);
    pages_free(page, 1);
    observed("%s, with RF %s", without ? "#DB" : "none", with ? "#DB" : "none");
}
