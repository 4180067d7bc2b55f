// Does what a program may not, or just ends: `fault segv`, or another of the words below; `fault 42` exits with 42.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero;

// An address that the compiler knows nothing of.
static volatile char *at(volatile uintptr_t address)
{
    return (volatile char *)address;
}

static int deep(int levels)
{
    volatile char frame[4096];

    frame[0] = (char)levels;
    return levels ? deep(levels - 1) + frame[0] : 0;
}

static void fault(const char *what)
{
    static const char text[] = "text";

    if (!strcmp(what, "segv"))
        *at(8) = 1;
    else if (!strcmp(what, "kernel"))
        zero = *at(0xffffffff80000000);
    else if (!strcmp(what, "noncanonical"))
        zero = *at(0x8000000000000000);
    else if (!strcmp(what, "write"))
        *at((uintptr_t)text) = 'T';
    else if (!strcmp(what, "execute"))
        ((void (*)(void))(void *)&zero)();
    else if (!strcmp(what, "stack"))
        zero = deep(1 << 20);
    else if (!strcmp(what, "privileged"))
        __asm__ volatile("hlt");
    else if (!strcmp(what, "ill"))
        __asm__ volatile("ud2");
    else if (!strcmp(what, "trap"))
        __asm__ volatile("int3");
    else if (!strcmp(what, "fpe"))
        __asm__ volatile("xor %%eax, %%eax\n\tcltd\n\tidivl %0" ::"m"(zero) : "eax", "edx");
    else
        exit(atoi(what));
}

int main(int argc, char **argv)
{
    fault(argc > 1 ? argv[1] : "0");
    puts("nothing happened");
    return 1;
}
