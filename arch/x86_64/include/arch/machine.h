// The end of the machine.
#pragma once

#include <arch/types.h>

// What the machine tells the emulator when it ends.
enum machine_status {
    MACHINE_PASSED = 0,
    MACHINE_FAILED = 1,
    MACHINE_PANIC = 2,
    MACHINE_HOLE = 3,
};

// Waits until the serial port has sent everything, then ends the machine. Works at any point
// after the serial port was set up, with interrupts on or off. Never returns.
noreturn void machine_end(enum machine_status status);

// Passes some time, so that the UART sends what it holds: an emulator forgets those bytes when the
// machine dies, and with them which test it was.
void machine_settle(void);
