// Port I/O. `port` is an I/O port number; nothing here can fail. SDM vol. 1, chapter 19.
#pragma once

#include <arch/types.h>

static inline void out8(u16 port, u8 value)
{
    asm volatile("out dx, al" ::"d"(port), "a"(value));
}

static inline u8 in8(u16 port)
{
    u8 value;
    asm volatile("in al, dx" : "=a"(value) : "d"(port));
    return value;
}
