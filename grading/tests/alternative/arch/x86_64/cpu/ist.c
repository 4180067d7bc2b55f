// The interrupt stack table of a CPU. SDM vol. 3, sections 6.14.5 and 8.7, figure 8-11.

#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/percpu.h>
#include <arch/vectors.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/panic.h>

struct stack ist_stacks[IST_STACKS] = {
    { .name = "#DF stack" },
    { .name = "NMI stack" },
    { .name = "#DB stack" },
    { .name = "#MC stack" },
};
static_assert(IST_DF == 1 && IST_NMI == 2 && IST_DB == 3 && IST_MC == IST_STACKS, "their order");

int ist_prepare(struct tss *tss, struct stack stacks[IST_STACKS])
{
    // LAB 5.2: A gate calls the TSS's first stack IST 1, for 0 means none. What the slot holds is the
    //          first RSP, and a push subtracts before it writes.
    for (int ist = IST_MC; ist >= IST_DF; ist--) {
        struct stack *stack = stacks + ist - 1;

        if (stack_make(stack, IST_STACK_SIZE))
            return -ENOMEM;
        tss->ist[ist - 1] = (u64)(stack->low + IST_STACK_SIZE);
    }
    return 0;
}

static void ist_initialise(void)
{
    // LAB 5.4: Any gate may be needed at any time, so no gate names a stack before it is there.
    if (ist_prepare(&percpu0.tss, ist_stacks) != 0)
        panic("no stacks");
    idt_use_ist();
}
INIT(INIT_IST, ist_initialise);
