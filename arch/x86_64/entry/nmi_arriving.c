// What C knows of the corners of NMIs that nest. docs/entry.md, "NMIs that nest".

#include <arch/machine_check.h>
#include <arch/percpu.h>
#include <arch/regs.h>
#include <arch/vectors.h>
#include <kernel/init.h>

bool nmi_is_arriving(const struct pt_regs *regs);

// Where the CPU puts the frame of an #MC; nmi_settle.asm looks there, and MACHINE_CHECK_PLACE below. Until #MC has
// a stack there is none to settle.
extern u64 *machine_check_frame;
static u64 no_frame[MACHINE_CHECK_PLACE / sizeof(u64) + 5];
u64 *machine_check_frame = no_frame + MACHINE_CHECK_PLACE / sizeof(u64);

static void machine_check_frame_find(void)
{
    machine_check_frame = (u64 *)this_cpu()->tss.ist[IST_MC - 1] - 5;
}
INIT(INIT_MACHINE_CHECK, machine_check_frame_find);

extern const char entry_2[], entry_3[]; // the stub of NMIs, and the next one; vectors.asm
extern const char entry_nmi[], entry_nmi_copied[] asm("entry_nmi.copied");
extern const char entry_nmi_nested[] asm("entry_nmi.nested"), entry_nmi_end[];
extern const char nmi_settle[], nmi_settle_end[];
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
           between(rip, nmi_settle, nmi_settle_end) ||
           (between(rip, from_user, on_the_stack) && regs->rdx == VECTOR_NMI);
}
