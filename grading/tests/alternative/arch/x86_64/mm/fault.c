// Page faults: what happened, and who can mend it. SDM vol. 3, section 4.7 "Page-Fault Exceptions".

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/features.h>
#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/safe.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/traps.h>
#include <mm/fault.h>

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

// Kernel code that means to touch a user's address says so: it is in the exception table, and it has opened
// the window. All other code follows a stray pointer.
static bool on_purpose(const struct pt_regs *regs)
{
    return exception_table_has(regs->rip) && (!features.smap || regs->rflags & RFLAGS_AC);
}

// Does what the regions promise, so that the instruction may run again. 0, or a negative errno.
static int mend(const struct pt_regs *regs, const struct fault *fault)
{
    if (fault->address < USER_END && !(fault->access & ACCESS_USER) && !on_purpose(regs))
        return -EFAULT;
    return demand_fault(space_of(fault->address), fault->address, fault->access, fault->present);
}

// These two are functions of their own so that a fault which is mended passes them by. CR2 may be another
// fault's when they are called.
static noreturn __attribute__((noinline, cold)) void bug(const struct pt_regs *regs, u64 error_code,
                                                         u64 address, int error)
{
    struct fault fault = fault_read(error_code);

    fault.address = address;
    fault_bug(regs, &fault, error);
}

static __attribute__((noinline, cold)) void not_mended(struct pt_regs *regs, u64 error_code,
                                                       u64 address, int error)
{
    // QEMU calls some of ring 3's reads ring 0's (docs/emulators.md, far-return-smap).
    if (error_code & PF_USER || regs->cs & RPL_MASK)
        user_fault(regs, error_code, VECTOR_PF, address, error);
    else if (!exception_table_fixup(regs))
        bug(regs, error_code, address, error);
}

void do_page_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct fault fault = fault_read(error_code);
    int error;

    (void)vector;
    if (regs->rip == (u64)read_safe && !(error_code & PF_USER) && exception_table_fixup(regs))
        return; // it only looks: nothing is to come
    if (error_code & ~PF_ORDINARY)
        bug(regs, error_code, fault.address, -EFAULT);
    error = mend(regs, &fault);
    if (error)
        not_mended(regs, error_code, fault.address, error);
}
