// What the kernel must not run with, whatever a program had set: single steps, strings backwards, a nested task,
// the window to a user's pages.

#include <arch/cpu.h>
#include <kernel/hostile/hostile.h>

static u64 unclean;

void flags_look(void)
{
    u64 flags = read_rflags();

    if (flags & (RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IOPL))
        unclean = flags;
}

u64 flags_found_unclean(void)
{
    u64 found = unclean;

    unclean = 0;
    return found;
}
