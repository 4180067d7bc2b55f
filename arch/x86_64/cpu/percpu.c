// The per-CPU block and GS. SDM vol. 3, section 3.4.4 "Segment Loading Instructions in IA-32e Mode".

#include <arch/hole.h>
#include <arch/msr.h>
#include <cpu/gdt.h>

void percpu_load(struct percpu *cpu)
{
    //@ lab 1.5  A base beyond 4 GiB fits into no descriptor; it goes into the MSR. What GS points
    //@          to begins with its own address. {
    cpu->self = cpu;
    msr_write(MSR_GS_BASE, (u64)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    //@ } hole("1.5");
}
