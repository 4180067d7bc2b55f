// Before lab 04 nothing repairs a page fault.

#include <kernel/traps.h>

void do_page_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    do_bug(regs, error_code, vector);
}
