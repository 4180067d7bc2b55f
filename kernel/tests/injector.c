// The kernel's own test: the injector. The host answers each knock by writing to the scratch register
// of the serial port, 0x5a first and 0xa5 then.

#include <arch/injector.h>
#include <arch/io.h>
#include <kernel/test.h>

#define SCRATCH (0x3f8 + 7) // of COM1; nothing else uses it

TEST(injector)
{
    out8(SCRATCH, 0);
    if (!injector_knock()) {
        skip("nobody waits for a knock here");
        return;
    }
    report_equal(in8(SCRATCH), 0x5a, "scratch register after a knock");
    report(injector_knock(), "a second knock is heard");
    report_equal(in8(SCRATCH), 0xa5, "scratch register after a second knock");
}
