// The values of system calls, printed as strace prints them.

#include <kernel/print.h>
#include <kernel/strace.h>

struct flag {
    u32 bits;
    const char *name;
};

static const struct flag open_flags[] = {
    { 1, "O_WRONLY" },          { 2, "O_RDWR" },           { 0100, "O_CREAT" },
    { 0200, "O_EXCL" },         { 0400, "O_NOCTTY" },      { 01000, "O_TRUNC" },
    { 02000, "O_APPEND" },      { 04000, "O_NONBLOCK" },   { 0100000, "O_LARGEFILE" },
    { 0200000, "O_DIRECTORY" }, { 0400000, "O_NOFOLLOW" }, { 02000000, "O_CLOEXEC" },
    { 010000000, "O_PATH" },
};
static const struct flag protection_flags[] = {
    { 1, "PROT_READ" },
    { 2, "PROT_WRITE" },
    { 4, "PROT_EXEC" },
};
static const struct flag map_flags[] = {
    { 0x01, "MAP_SHARED" },      { 0x02, "MAP_PRIVATE" },
    { 0x10, "MAP_FIXED" },       { 0x20, "MAP_ANONYMOUS" },
    { 0x0100, "MAP_GROWSDOWN" }, { 0x0800, "MAP_DENYWRITE" },
    { 0x4000, "MAP_NORESERVE" }, { 0x8000, "MAP_POPULATE" },
    { 0x20000, "MAP_STACK" },    { 0x100000, "MAP_FIXED_NOREPLACE" },
};

// The names of the bits of `value`, what has no name in hexadecimal; `none` if there is no bit.
static void print_flags(u32 value, const struct flag *flags, size_t count, const char *none)
{
    const char *between = "";

    if (!value || (none[0] == 'O' && !(value & 3))) { // O_RDONLY is no bit
        print("%s", none);
        between = "|";
    }
    for (size_t i = 0; i < count; i++)
        if (value & flags[i].bits) {
            print("%s%s", between, flags[i].name);
            between = "|";
            value &= ~flags[i].bits;
        }
    if (value)
        print("%s0x%x", between, value);
}

void strace_print_bytes(const char *bytes, size_t size)
{
    print("\"");
    for (size_t i = 0; i < size && i < STRACE_BYTES; i++) {
        char c = bytes[i];

        if (c == '\n')
            print("\\n");
        else if (c == '\t')
            print("\\t");
        else if (c == '"' || c == '\\')
            print("\\%c", c);
        else if (c >= ' ' && c <= '~')
            print("%c", c);
        else
            print("\\x%02x", (unsigned char)c);
    }
    print(size > STRACE_BYTES ? "\"..." : "\"");
}

void strace_print_value(enum syscall_kind kind, u64 value)
{
    switch (kind) {
    case KIND_NOTHING:
        print("?");
        break;
    case KIND_FD:
        if ((int)value == -100)
            print("AT_FDCWD");
        else
            print("%d", (int)value);
        break;
    case KIND_INT:
    case KIND_PID:
        print("%d", (int)value);
        break;
    case KIND_UINT:
        print("%u", (u32)value);
        break;
    case KIND_LONG:
        print("%ld", (long)value);
        break;
    case KIND_SIZE:
        print("%lu", value);
        break;
    case KIND_MODE:
        print("0");
        for (int digit = value > 0777 ? 9 : 6; digit >= 0; digit -= 3)
            print("%lu", value >> digit & 7);
        break;
    case KIND_OPEN_FLAGS:
        print_flags((u32)value, open_flags, array_length(open_flags), "O_RDONLY");
        break;
    case KIND_PROTECTION:
        print_flags((u32)value, protection_flags, array_length(protection_flags), "PROT_NONE");
        break;
    case KIND_MAP_FLAGS:
        print_flags((u32)value, map_flags, array_length(map_flags), "0");
        break;
    case KIND_ADDRESS:
    case KIND_PATH:
    case KIND_BYTES_IN:
    case KIND_BYTES_OUT:
        if (!value) {
            print("NULL");
            break;
        }
        // fall through
    case KIND_HEX:
        print("0x%lx", value);
        break;
    }
}
