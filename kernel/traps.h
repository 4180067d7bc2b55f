// What the kernel does about exceptions: policy. How one gets here: docs/entry.md.
#pragma once

#include <arch/vectors.h>

// The entry code calls this with the frame it built. `error_code` is NO_ERROR_CODE where the CPU
// pushed none. Returning resumes what was interrupted, at regs as they are then.
void trap(struct pt_regs *regs, u64 error_code, u64 vector);

// Sends `vector` to `handler` from now on and returns the handler it had.
trap_handler *trap_set_handler(unsigned vector, trap_handler *handler);

trap_handler do_bug, do_breakpoint, do_page_fault, do_irq;
trap_handler do_nmi, do_double_fault, do_machine_check;
