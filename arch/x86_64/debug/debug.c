// #DB: single steps and breakpoints. SDM vol. 3, sections 18.2 (registers) and 18.3.1 (what raises it).

#include <arch/cpu.h>
#include <arch/debug_registers.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <kernel/print.h>
#include <kernel/symbols.h>
#include <kernel/traps.h>

bool breakpoint_allowed(u64 address)
{
    trap_handler *const holding[] = { do_nmi, do_machine_check };
    const struct symbol *at = symbol_at(address);

    for (size_t i = 0; i < array_length(holding); i++)
        if (at == symbol_at((u64)holding[i]))
            return false;
    return !in_entry_text(address) && at != symbol_at((u64)trap);
}

// A step that ends in entry code was begun by a program: SYSENTER leaves TF, and so do old CPUs at SYSCALL.
// TF stays set, for the door saves it with the other flags before it clears it: then it is the program's
// again, which is stepped on when it goes on. Any other step in the kernel is nobody's.
static void end_step(struct pt_regs *regs)
{
    if (in_entry_text(regs->rip))
        return;
    regs->rflags &= ~RFLAGS_TF;
    print("\n# single step before ");
    symbol_print(regs->rip);
    print(", and nobody has asked for it\n");
}

// One that MOV SS has held back over SYSCALL or INT n strikes here, too: in the kernel, and a program has run
// into it. Its breakpoint is over, for the door has cleared DR7.
static void report_breakpoints(const struct pt_regs *regs, u64 hit)
{
    print("\n# breakpoint, DR6 0x%lx, before ", hit);
    symbol_print(regs->rip);
    print(", and nobody has asked for it\n");
}

void do_debug(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 why = read_dr6();

    breakpoint_clear();
    write_dr6(DR6_NOTHING); // the CPU only ever sets bits there
    if (regs->cs & RPL_MASK) {
        user_fault(regs, error_code, vector, 0, 0);
        return;
    }
    if (why & DR6_BREAKPOINTS)
        report_breakpoints(regs, why & DR6_BREAKPOINTS);
    if (why & DR6_STEP)
        end_step(regs);
    halt_overtaken(regs);
}
