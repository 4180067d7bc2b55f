// Whether an NMI was interrupted on its way in. docs/entry.md, "NMIs that nest".

#include <arch/regs.h>
#include <arch/vectors.h>

bool nmi_is_arriving(const struct pt_regs *regs);

extern const char entry_2[], entry_3[]; // the stub of NMIs, and the next one; vectors.asm
extern const char entry_nmi[], entry_nmi_copied[] asm("entry_nmi.copied");
extern const char entry_nmi_nested[] asm("entry_nmi.nested"), entry_nmi_end[];
extern const char from_user[], on_the_stack[] asm("from_user.on_the_stack");

static bool between(u64 address, const char *start, const char *end)
{
    return address >= (u64)start && address < (u64)end;
}

// By rip, which nobody can forge, and not by rsp, which SYSCALL leaves as the program has it. In from_user the
// vector is in rdx.
bool nmi_is_arriving(const struct pt_regs *regs)
{
    u64 rip = regs->rip;

    if (regs->cs & RPL_MASK)
        return false;
    return between(rip, entry_2, entry_3) || between(rip, entry_nmi, entry_nmi_copied) ||
           between(rip, entry_nmi_nested, entry_nmi_end) ||
           (between(rip, from_user, on_the_stack) && regs->rdx == VECTOR_NMI);
}
