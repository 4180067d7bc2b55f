// What the kernel does about exceptions: policy. How one gets here: docs/entry.md.
#pragma once

#include <arch/vectors.h>

// The entry code calls this with the frame it built. `error_code` is NO_ERROR_CODE where the CPU
// pushed none. Returning resumes what was interrupted, at regs as they are then. A handler may turn
// interrupts on if it is not on a stack of the TSS's, and must turn them off before it returns.
void trap(struct pt_regs *regs, u64 error_code, u64 vector);

// The end for an exception that is a bug of the kernel's: names it and panics.
noreturn void trap_panic(const struct pt_regs *regs, u64 error_code, unsigned vector);

// A program has done what it may not; for every exception with a user's CS in its frame that is not
// mended, before anybody asks the exception table, which describes the kernel's instructions alone.
// For #PF `address` is where, and `error` why: -EFAULT, or -ENOMEM if it was allowed and no memory is
// left; both are 0 for any other vector.
void user_fault(struct pt_regs *regs, u64 error_code, unsigned vector, u64 address, int error);

// Sends `vector` to `handler` from now on, NULL: to that of vectors.def, and returns the handler it had.
trap_handler *trap_set_handler(unsigned vector, trap_handler *handler);

trap_handler do_bug, do_breakpoint, do_page_fault, do_irq;
trap_handler do_nmi, do_debug, do_double_fault, do_machine_check;
