// Random bytes for programs.

#include <kernel/cmdline.h>
#include <kernel/random.h>
#include <kernel/string.h>

void random_fill(void *to, size_t size)
{
    static u64 state;
    static bool seeded;
    char *at = to;

    if (!seeded)
        state = cmdline.seed;
    seeded = true;
    while (size) {
        u64 value = random_next(&state);
        size_t part = size < sizeof(value) ? size : sizeof(value);

        memcpy(at, &value, part);
        at += part;
        size -= part;
    }
}
