// The two interrupt controllers of the first PCs, which the APICs have replaced. Intel 8259A data
// sheet. The first has the lines 0 to 7, the second 8 to 15 and is itself at line 2 of the first.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

// Moves both to vectors that are no exceptions', from VECTOR_PIC on, and masks all their lines. Even
// so a spurious interrupt can come from them, on the vector of line 7 or 15.
void pics_retire(void);

// What the interrupts of those two lines lead to: an irq_handler; `context` is the line's number.
bool pic_spurious(struct pt_regs *regs, void *context);
