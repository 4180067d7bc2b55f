// The MSRs of the fast doors for 32-bit code. SDM vol. 3, section 5.8.7; AMD APM vol. 2, section 6.1.

#include <arch/hole.h>
#include <arch/msr.h>
#include <arch/segments.h>
#include <kernel/init.h>

extern const char entry_sysenter[], entry_syscall32[];

// All are written on every CPU, also where the manual says that the door does not exist: what an MSR holds
// harms nobody there, and 0 would, on a CPU that keeps less to its manual (docs/emulators.md,
// syscall32-intel, sysenter-amd): a jump to address 0 in ring 0.
static void compat_initialise(void)
{
    // LAB 9.2: SYSENTER takes SS from behind CS. No RSP is right for every task, so the door asks the TSS;
    //          until then a push is to fault, not to overwrite something.
    hole("9.2");
    // LAB 9.5: Where SYSCALL leads to from 32-bit code; selectors and masked flags are lab 08's.
    hole("9.5");
}
INIT(INIT_TASKS, compat_initialise);
