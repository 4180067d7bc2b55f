// A page of the kernel's for programs to aim at.

#include <kernel/hostile/hostile.h>

#define SONG 0x5c5c5c5c5c5c5c5c // the same from every byte on

static u64 canary[PAGE_SIZE / sizeof(u64)] aligned_to(PAGE_SIZE);

void canary_prepare(void)
{
    for (size_t i = 0; i < array_length(canary); i++)
        canary[i] = SONG;
}

u64 canary_address(void)
{
    return (u64)canary;
}

bool canary_lives(void)
{
    for (size_t i = 0; i < array_length(canary); i++)
        if (canary[i] != SONG) {
            canary_prepare();
            return false;
        }
    return true;
}
