// The exception table: instructions that may fault, each with the place where to go on if it does.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

// Looks up the instruction at regs->rip, this one and no other. If the table has it, changes regs->rip
// to its fixup and returns true; the general registers stay as the instruction left them.
bool exception_table_fixup(struct pt_regs *regs);
