// A hole that its student has not filled yet. Reaching it names the hole on the debug console
// and ends the machine; it needs no stack, no IDT and no serial port. See boot/machine.asm.
#pragma once

#define hole(id)                                                                                  \
    do {                                                                                          \
        asm volatile("jmp hole_reached" ::"S"("reached hole " id ", which is not filled yet\n")); \
        __builtin_unreachable();                                                                  \
    } while (0)
