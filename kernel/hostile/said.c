// What the kernel says while a program runs: kept from the console, and looked at. It is to say how the
// program ends, and nothing else.

#include <kernel/hostile/hostile.h>
#include <kernel/string.h>

static const char expected[] = "# program hostile ends at 0x";

static char said[1024];
static size_t length;

void said_keep(const void *text, size_t size)
{
    const char *from = text;

    while (size-- && length < sizeof(said) - 1)
        said[length++] = *from++;
}

void said_forget(void)
{
    length = 0;
}

const char *said_unexpectedly(void)
{
    const char *text = said;

    said[length] = '\0';
    if (!length)
        return NULL;
    if (!strncmp(text, expected, sizeof(expected) - 1)) {
        while (*text != '\n' && *text)
            text++;
        text += *text == '\n';
    }
    return *text ? text : NULL;
}
