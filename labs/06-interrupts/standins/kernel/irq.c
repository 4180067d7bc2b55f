// Before lab 06 nothing interrupts: the vectors have no stubs, so nobody comes here.

#include <kernel/traps.h>

void do_irq(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    do_bug(regs, error_code, vector);
}
