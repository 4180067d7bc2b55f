// What a program finds on its stack. System V ABI, AMD64 supplement, section 3.4.1; for i386 the same with
// words of four bytes. High addresses first:
//
//   8 bytes of zeroes                  the stack's end
//   the path, as AT_EXECFN
//   the strings of the environment
//   the strings of the arguments
//   the platform's name; 16 random bytes
//   AT_NULL 0                          pairs of words
//   ... the auxiliary vector ...
//   NULL
//   ... pointers to the environment
//   NULL
//   ... pointers to the arguments
//   argc                               <- rsp, a multiple of 16

#include <arch/cpu.h>
#include <arch/user.h>
#include <kernel/auxv.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/random.h>
#include <kernel/regions.h>
#include <kernel/string.h>

enum { AT_FIRST = PAGE_SIZE, END_MARK = 8, RANDOM_BYTES = 16, ALIGNMENT = 16 };
enum { TICKS_PER_SECOND = 100 };

#define CPUID_BASIC     1u
#define HWCAP2_FSGSBASE (1u << 1) // ring 3 may use RDFSBASE and its kin

// Where the next word and the next string go; `error` stays once it is set.
struct writer {
    u64 word_at, string_at;
    unsigned word;
    int error;
};

static void put_bytes(struct writer *writer, u64 to, const void *from, size_t size)
{
    if (!writer->error && copy_to_user(to, from, size))
        writer->error = -ENOMEM;
}

// Little-endian: the low bytes of a word are the first ones.
static void put_word(struct writer *writer, u64 value)
{
    put_bytes(writer, writer->word_at, &value, writer->word);
    writer->word_at += writer->word;
}

static void put_pair(struct writer *writer, u64 type, u64 value)
{
    put_word(writer, type);
    put_word(writer, value);
}

// Returns its address.
static u64 put_string(struct writer *writer, const char *text)
{
    size_t size = strlen(text) + 1;
    u64 address = writer->string_at;

    put_bytes(writer, address, text, size);
    writer->string_at += size;
    return address;
}

static u64 put_random(struct writer *writer)
{
    u8 bytes[RANDOM_BYTES];
    u64 address = writer->string_at;

    random_fill(bytes, sizeof(bytes));
    put_bytes(writer, address, bytes, sizeof(bytes));
    writer->string_at += sizeof(bytes);
    return address;
}

// The strings and the NULL-terminated array of pointers to them.
static void put_list(struct writer *writer, const char *const list[])
{
    for (; *list; list++)
        put_word(writer, put_string(writer, *list));
    put_word(writer, 0);
}

// The entries that every program gets.
static void put_common(struct writer *writer, const struct exec *exec)
{
    put_pair(writer, AT_HWCAP, cpuid(CPUID_BASIC, 0).edx);
    put_pair(writer, AT_HWCAP2, read_cr4() & CR4_FSGSBASE ? HWCAP2_FSGSBASE : 0);
    put_pair(writer, AT_PAGESZ, PAGE_SIZE);
    put_pair(writer, AT_CLKTCK, TICKS_PER_SECOND);
    put_pair(writer, AT_BASE, 0);
    put_pair(writer, AT_FLAGS, 0);
    put_pair(writer, AT_ENTRY, exec->entry);
    put_pair(writer, AT_UID, 0);
    put_pair(writer, AT_EUID, 0);
    put_pair(writer, AT_GID, 0);
    put_pair(writer, AT_EGID, 0);
    put_pair(writer, AT_SECURE, 0);
}
enum { COMMON_ENTRIES = 12, WITH_STRINGS = 3, WITH_NULL = 1 };

struct size {
    size_t count, bytes;
};

// How many strings there are, and their bytes.
static struct size measure(const char *const list[])
{
    struct size size = { 0 };

    for (; list[size.count]; size.count++)
        size.bytes += strlen(list[size.count]) + 1;
    return size;
}

static int build(const struct exec *exec, u64 *stack_pointer)
{
    struct size arguments = measure(exec->argv), environment = measure(exec->envp);
    size_t entries = exec->auxv_count + COMMON_ENTRIES + WITH_STRINGS + WITH_NULL;
    size_t words = 1 + arguments.count + 1 + environment.count + 1 + 2 * entries;
    size_t bytes = strlen(exec->platform) + 1 + RANDOM_BYTES + arguments.bytes + environment.bytes +
                   strlen(exec->path) + 1;
    u64 strings = exec->stack - END_MARK - bytes;
    u64 random, platform;
    struct writer writer = { .word = exec->word, .string_at = strings };

    if (words * exec->word + bytes > EXEC_WORDS_MOST)
        return -E2BIG;
    *stack_pointer = writer.word_at = (strings - words * exec->word) & -(u64)ALIGNMENT;

    random = put_random(&writer);
    platform = put_string(&writer, exec->platform);
    put_word(&writer, arguments.count);
    put_list(&writer, exec->argv);
    put_list(&writer, exec->envp);
    for (size_t i = 0; i < exec->auxv_count; i++)
        put_pair(&writer, exec->auxv[i].type, exec->auxv[i].value);
    put_common(&writer, exec);
    put_pair(&writer, AT_RANDOM, random);
    put_pair(&writer, AT_PLATFORM, platform);
    put_pair(&writer, AT_EXECFN, put_string(&writer, exec->path));
    put_pair(&writer, AT_NULL, 0);
    return writer.error;
}

int exec_stack(struct task *task, const struct exec *exec, u64 *stack_pointer)
{
    struct address_space *before = this_cpu()->space;
    const struct region stack = {
        .start = exec->stack - AT_FIRST,
        .end = exec->stack,
        .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE,
        .lowest = exec->stack - EXEC_STACK_MOST,
    };
    int error = region_add(task->space, &stack);

    if (error)
        return error;
    space_switch(task->space);
    error = build(exec, stack_pointer);
    space_switch(before);
    return error;
}
