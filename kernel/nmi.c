// NMIs. A machine sends one when its hardware fails, when a watchdog expires, or when somebody wants
// to know what hangs: where it struck is all that there is to say.

#include <arch/debug_registers.h>
#include <arch/interrupts.h>
#include <kernel/print.h>
#include <kernel/symbols.h>
#include <kernel/traps.h>

// It may have struck in the middle of a line.
void do_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 breakpoints = breakpoints_hold();

    (void)error_code;
    (void)vector;
    print("\n# NMI before ");
    symbol_print(regs->rip);
    print(", and nobody has asked for it\n");
    halt_overtaken(regs);
    breakpoints_release(breakpoints);
}
