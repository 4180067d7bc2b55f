// What must be after an event as it was before.

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <entry/idt.h>
#include <kernel/flat.h>
#include <kernel/regions.h>
#include <kernel/sweep/sweep.h>
#include <kernel/task.h>

enum thing { CONTROL, GDT, TSS, IDT, CURRENT, TASK, USER_STACK, KERNEL_STACK, THINGS };

static const char *const names[THINGS] = {
    "control registers or FS base",
    "the GDT",
    "the TSS",
    "the IDT",
    "the CPU's task or space",
    "the task",
    "the program's stack",
    "the stack of ring 0's program",
};

static u64 noted[THINGS];

// FNV-1a, a word at a time.
static u64 sum(u64 hash, const void *from, size_t size)
{
    const u64 *word = from;

    for (size_t i = 0; i < size / sizeof(*word); i++)
        hash = (hash ^ word[i]) * 0x100000001b3ul;
    return hash;
}

static u64 sum_of(enum thing thing)
{
    const u64 start = 0xcbf29ce484222325ul;
    struct percpu *cpu = &percpu0;
    u64 control[] = { read_cr0(), read_cr3(), read_cr4(), msr_read(MSR_EFER),
                      msr_read(MSR_FS_BASE) };
    u64 *entry;

    switch (thing) {
    case CONTROL:
        return sum(start, control, sizeof(control));
    case GDT:
        return sum(start, cpu->gdt, sizeof(cpu->gdt));
    case TSS:
        return sum(start, (const char *)&cpu->tss + 4, sizeof(cpu->tss) - 8);
    case IDT:
        return sum(start, idt, sizeof(idt));
    case CURRENT:
        return sum(sum(start, &cpu->space, sizeof(u64)), &cpu->current, sizeof(u64));
    case TASK:
        return sum(start, sweep_task, sizeof(*sweep_task));
    case USER_STACK:
        entry = paging_entry(sweep_task->space->tables, FLAT_STACK - PAGE_SIZE);
        return entry ? sum(start, direct_map(*entry & PTE_ADDRESS), PAGE_SIZE) : 0;
    case KERNEL_STACK:
        return sum(start, sweep_stack_used,
                   (size_t)(sweep_stack_end - sweep_stack_used) * sizeof(u64));
    default:
        return 0;
    }
}

void unchanged_note(void)
{
    for (enum thing thing = 0; thing < THINGS; thing++)
        noted[thing] = sum_of(thing);
}

void unchanged_check(void)
{
    for (enum thing thing = 0; thing < THINGS; thing++)
        if (sum_of(thing) != noted[thing])
            sweep_wrong(WRONG_STATE, "%s: changed", names[thing]);
}
