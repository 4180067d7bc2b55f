// Before lab 05 a double fault is reported like any other bug, if there is a stack to do it on.

#include <kernel/traps.h>

void do_double_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    trap_panic(regs, error_code, vector);
}
