// Sleeping until there is something to do. SDM vol. 2, HLT and STI.

#include <arch/hole.h>
#include <arch/interrupts.h>

void idle_until(const volatile bool *woken)
{
    // LAB 6.7: An interrupt between the look at *woken and HLT would wake nobody: so they are off
    //          from before the look, and STI lets one in only behind the instruction after it.
    for (;;) {
        interrupts_disable();
        if (*woken)
            break;
        asm volatile("sti; hlt" ::: "memory");
    }
    interrupts_enable();
}
