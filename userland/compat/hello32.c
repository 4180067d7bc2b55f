// A 32-bit program that says hello, and with what it was called.

#include "program.h"

int begin(const u32 *stack)
{
    say("hello from 32 bits\n");
    for (u32 i = 0; i < stack[0]; i++) {
        say("argument ");
        say_number((int)i);
        say(" \"");
        say((const char *)stack[1 + i]);
        say("\"\n");
    }
    tell("bytes of a page", (int)auxv(stack, AT_PAGESZ));
    tell("of somebody else's rights", (int)auxv(stack, AT_SECURE));
    tell("a way into the kernel", auxv(stack, AT_SYSINFO) != 0);
    tell("esp, modulo 16", (u32)stack % 16);
    return (int)stack[0];
}
