// What the CPU and its tables hold of the kernel's, and no program may change.

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <cpu/gdt.h>
#include <entry/idt.h>
#include <kernel/hostile/hostile.h>
#include <kernel/string.h>

enum { OF_CPU = 10 };

static const char *const names[OF_CPU] = {
    "CR0",
    "CR4",
    "EFER",
    "the GS base",
    "DR7",
    "the GDT's address and limit",
    "the IDT's address and limit",
    "TR",
    "LDTR",
    "CR8",
};

struct state {
    u64 value[OF_CPU];
    u64 gdt[GDT_ENTRIES];
    struct tss tss;
    struct gate idt[VECTORS_COUNT];
};

static struct state noted;

static u64 table(const struct table_register *at)
{
    return at->base ^ (u64)at->limit << 48;
}

static void read_cpu(u64 value[OF_CPU])
{
    struct table_register gdtr, idtr;
    u16 tr, ldtr;
    u64 dr7, cr8;

    asm volatile("sgdt %0\n\tsidt %1" : "=m"(gdtr), "=m"(idtr));
    asm volatile("str %0\n\tsldt %1" : "=r"(tr), "=r"(ldtr));
    asm volatile("mov %0, dr7\n\tmov %1, cr8" : "=r"(dr7), "=r"(cr8));
    memcpy(value,
           (u64[OF_CPU]){ read_cr0(), read_cr4(), msr_read(MSR_EFER), msr_read(MSR_GS_BASE), dr7,
                          table(&gdtr), table(&idtr), tr, ldtr, cr8 },
           OF_CPU * sizeof(u64));
}

void state_note(void)
{
    read_cpu(noted.value);
    memcpy(noted.gdt, this_cpu()->gdt, sizeof(noted.gdt));
    memcpy(&noted.tss, &this_cpu()->tss, sizeof(noted.tss));
    memcpy(noted.idt, idt, sizeof(noted.idt));
}

bool state_same(bool whole, const char **changed)
{
    u64 value[OF_CPU];

    read_cpu(value);
    for (unsigned i = 0; i < OF_CPU; i++)
        if (value[i] != noted.value[i]) {
            *changed = names[i];
            return false;
        }
    *changed = "the GDT, the TSS or the IDT";
    return same_words(noted.gdt, this_cpu()->gdt, sizeof(noted.gdt)) &&
           same_words(&noted.tss, &this_cpu()->tss, sizeof(noted.tss)) &&
           (!whole || same_words(noted.idt, idt, sizeof(noted.idt)));
}
