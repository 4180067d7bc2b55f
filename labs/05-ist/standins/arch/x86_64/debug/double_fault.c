// Before lab 05 a double fault is a bug like any other, if there is a stack to report it on.

#include <kernel/traps.h>

void do_double_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    do_bug(regs, error_code, vector);
}
