// MSRs that may not be there: the instruction is in the exception table.

#include <arch/exception_table.h>
#include <arch/msr.h>
#include <kernel/errno.h>

int msr_read_safe(u32 msr, u64 *value)
{
    asm goto(MAY_FAULT("rdmsr", "%l[fault]") "mov [%1], eax\n\t"
                                             "mov [%1 + 4], edx" ::"c"(msr),
             "r"(value)
             : "rax", "rdx", "memory"
             : fault);
    return 0;
fault:
    *value = 0;
    return -EIO;
}

int msr_write_safe(u32 msr, u64 value)
{
    asm goto(MAY_FAULT("wrmsr", "%l[fault]")::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
             : "memory"
             : fault);
    return 0;
fault:
    return -EIO;
}
