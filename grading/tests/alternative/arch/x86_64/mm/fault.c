// Page faults: what happened, and who can mend it. SDM vol. 3, section 4.7 "Page-Fault Exceptions".

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/percpu.h>
#include <kernel/demand.h>
#include <kernel/traps.h>
#include <mm/fault.h>

// A fault that regions can mend has no other bits in its code.
#define PF_ORDINARY (PF_PRESENT | PF_WRITE | PF_USER | PF_FETCH)

struct fault fault_read(u64 error_code)
{
    struct fault fault = { .code = error_code };

    // LAB 4.1: CR2 first: the next page fault will overwrite it. Then what the code's bits mean: a
    //          fetch, a write or a read, by whom, and what was there.
    static const unsigned done[4] = { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE, ACCESS_EXECUTE };
    unsigned fetch = error_code >> 4 & 1, write = error_code >> 1 & 1, user = error_code >> 2 & 1;

    asm volatile("mov %0, cr2" : "=r"(fault.address));
    fault.access = done[fetch * 2 + write] + user * ACCESS_USER;
    fault.present = (error_code & PF_PRESENT) != 0;
    if (error_code & PF_RESERVED)
        fault.reserved = true;
    return fault;
}

// Whether what the regions promise has been done, so that the instruction may run again. Kernel code
// that touches a user's address must have said that it may fault: any other is a stray pointer.
static bool mended(const struct pt_regs *regs, const struct fault *fault)
{
    struct address_space *space = &kernel_space;

    if (fault->code & ~PF_ORDINARY)
        return false;
    if (fault->address < USER_END) {
        if (!(fault->access & ACCESS_USER) && !exception_table_has(regs->rip))
            return false;
        space = this_cpu()->space;
    }
    return demand_fault(space, fault->address, fault->access, fault->present) == 0;
}

void do_page_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct fault fault = fault_read(error_code);

    (void)vector;
    if (!mended(regs, &fault) && !exception_table_fixup(regs))
        fault_bug(regs, &fault);
}
