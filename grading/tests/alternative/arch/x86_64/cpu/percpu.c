// The per-CPU block and GS. SDM vol. 3, section 3.4.4 "Segment Loading Instructions in IA-32e Mode".

#include <arch/hole.h>
#include <arch/msr.h>
#include <cpu/gdt.h>

// Both bases in one go: what GS is now, and what SWAPGS brings in.
static void set_gs_bases(u64 now, u64 after_swapgs)
{
    const u64 base[] = { now, after_swapgs };

    for (u32 i = 0; i < array_length(base); i++)
        msr_write(MSR_GS_BASE + i, base[i]); // KERNEL_GS_BASE is the next MSR
}
static_assert(MSR_KERNEL_GS_BASE == MSR_GS_BASE + 1, "set_gs_bases counts");

void percpu_load(struct percpu *cpu)
{
    // LAB 1.5: A base beyond 4 GiB fits into no descriptor; it goes into the MSR.
    set_gs_bases((u64)cpu, 0);
    // from here on GS works, so it can write its own first word
    asm volatile("mov gs:0, %0" ::"r"(cpu) : "memory");
}
