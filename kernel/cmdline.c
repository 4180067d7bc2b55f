// The command line.

#include <kernel/cmdline.h>
#include <kernel/panic.h>
#include <kernel/string.h>

struct cmdline cmdline = {
    .lab = "",
    .tests = "all",
    .nonce = "0000000000000000",
    .seed = 1,
    .count = 1,
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static u64 parse_number(const char *key, const char *text)
{
    const char *at = text;
    int base = 10;
    u64 value = 0;

    if (!strncmp(at, "0x", 2)) {
        base = 16;
        at += 2;
    }
    for (; *at; at++) {
        if (digit(*at) < 0 || digit(*at) >= base)
            break;
        value = value * (u64)base + (u64)digit(*at);
    }
    if (*at || at == text)
        panic("command line: %s=%s is not a number; %s=1 and %s=0x2a are", key, text, key, key);
    return value;
}

static const char *parse_nonce(const char *text)
{
    size_t length = 0;

    while (digit(text[length]) >= 0)
        length++;
    if (text[length] || length != NONCE_DIGITS)
        panic("command line: nonce=%s is not %d digits of 0-9 and a-f", text, NONCE_DIGITS);
    return text;
}

static bool parse_switch(const char *key, const char *text)
{
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        panic("command line: %s=%s is neither %s=on nor %s=off", key, text, key, key);
    return text[1] == 'n';
}

static void set(const char *key, const char *value)
{
    if (!strcmp(key, "lab"))
        cmdline.lab = value;
    else if (!strcmp(key, "test"))
        cmdline.tests = value;
    else if (!strcmp(key, "seed"))
        cmdline.seed = parse_number(key, value);
    else if (!strcmp(key, "count"))
        cmdline.count = parse_number(key, value);
    else if (!strcmp(key, "fsgsbase"))
        cmdline.fsgsbase = parse_switch(key, value);
    else if (!strcmp(key, "nonce"))
        cmdline.nonce = parse_nonce(value);
    else if (!strcmp(key, "trace"))
        cmdline.trace = parse_switch(key, value);
    else
        panic("command line: no key is named \"%s\"; the keys are lab, test, seed, count, nonce, "
              "trace, fsgsbase, and run, the last one",
              key);
}

static char *end_of(char *text, char stop)
{
    while (*text && *text != stop && *text != ' ')
        text++;
    return text;
}

void cmdline_parse(char *text)
{
    while (*text) {
        if (*text == ' ') {
            text++;
            continue;
        }
        char *equals = end_of(text, '=');
        if (*equals != '=')
            panic("command line: \"%s\" has no value; write key=value, as in test=all", text);
        if (!strncmp(text, "run=", sizeof("run=") - 1)) {
            cmdline.run = equals + 1;
            break;
        }
        char *end = end_of(equals + 1, ' ');
        char *next = *end ? end + 1 : end;
        *equals = '\0';
        *end = '\0';
        set(text, equals + 1);
        text = next;
    }
}
