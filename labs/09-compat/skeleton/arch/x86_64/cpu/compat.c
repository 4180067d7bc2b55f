// The doors for system calls of 32-bit code are opened: a gate for int 0x80, MSRs for the fast ones. SDM vol. 3,
// sections 6.12.1 and 5.8.7; AMD APM vol. 2, section 6.1.

#include <arch/compat.h>
#include <arch/hole.h>
#include <arch/msr.h>
#include <arch/segments.h>
#include <entry/idt.h>
#include <kernel/elf.h>
#include <kernel/init.h>

// All MSRs are written on every CPU, also where the manual says that the door does not exist: what they hold harms
// nobody there. On a CPU that keeps less to its manual (docs/emulators.md, compat-syscall, compat-sysenter) 0
// would: a jump to address 0 in ring 0.
void compat_doors_open(void)
{
    // LAB 9.1: A gate that ring 3 may use, and that turns interrupts off: the door needs GS and a frame before
    //          one comes. SYSENTER takes its SS from behind CS; no RSP is right for every task, so the door asks
    //          the TSS, and until then a push is to fault rather than to overwrite something. For SYSCALL from
    //          32-bit code there is an MSR of its own; selectors and flags are those of lab 08.
    hole("9.1");
}

static void compat_initialise(void)
{
    compat_doors_open();
    exec_register(&elf32_format);
}
INIT(INIT_TASKS, compat_initialise);
