// Before lab 05 CR4.MCE is 0, and a machine check is a shutdown: what comes here is none of the CPU's.

#include <kernel/traps.h>

void do_machine_check(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    trap_panic(regs, error_code, vector);
}
