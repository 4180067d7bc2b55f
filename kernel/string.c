// Memory and strings. Plain loops: the string instructions would depend on the direction flag,
// which is a thing the labs play with.

#include <kernel/string.h>

void *memcpy(void *to, const void *from, size_t size)
{
    u8 *out = to;
    const u8 *in = from;

    while (size--)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    u8 *out = to;
    const u8 *in = from;

    if (out <= in)
        return memcpy(to, from, size);
    while (size--)
        out[size] = in[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    u8 *out = to;

    while (size--)
        *out++ = (u8)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *left = a, *right = b;

    for (; size--; left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size)
{
    for (; size--; a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}
