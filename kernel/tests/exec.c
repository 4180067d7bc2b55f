// The kernel's own tests: what a program finds when it begins.

#include <arch/segments.h>
#include <arch/user.h>
#include <kernel/auxv.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>

enum { MOST = 128 }; // words of the stack that are looked at
enum { RANDOM_BYTES = 16 };

#define ENTRY 0x123000ul

// A format of the tests' own: a file that consists of its address alone.
static const char file[1];

static int load_nothing(struct task *task, struct exec *exec)
{
    (void)task;
    if (exec->file != file)
        return -ENOEXEC;
    exec->entry = ENTRY;
    exec->cs = USER_CS;
    exec->stack = EXEC_STACK;
    exec->word = sizeof(u64);
    exec->platform = "x86_64";
    exec->brk = ENTRY + PAGE_SIZE;
    exec_auxv(exec, AT_PHNUM, 7);
    return 0;
}

static struct exec_format format = { .name = "nothing", .load = load_nothing };

static struct seen {
    u64 pointer, words[MOST];
    size_t count;
    u8 random[RANDOM_BYTES];
} seen;

static struct task *begin(const char *const argv[], const char *const envp[], int *error)
{
    static bool registered;
    struct task *task = process_new("begins");
    struct exec exec = { .path = "/the/path", .file = file, .argv = argv, .envp = envp };

    if (!registered)
        exec_register(&format);
    registered = true;
    *error = task ? exec_load(task, &exec) : -ENOMEM;
    if (*error) {
        if (task)
            process_free(task);
        return NULL;
    }
    seen.pointer = task_regs(task)->rsp;
    seen.count = (EXEC_STACK - seen.pointer) / sizeof(u64);
    if (seen.count > MOST)
        seen.count = MOST;
    space_switch(task->space);
    if (copy_from_user(seen.words, seen.pointer, seen.count * sizeof(u64)))
        *error = -EFAULT;
    space_switch(&kernel_space);
    return task;
}

static void expect_string(struct task *task, u64 address, const char *text, const char *what)
{
    char copy[40]; // longer than any text, so that there is an end to compare
    long length;

    space_switch(task->space);
    length = strncpy_from_user(copy, address, sizeof(copy));
    space_switch(&kernel_space);
    report_error(length, strlen(text), "%s: its length", what);
    report(length >= 0 && !strcmp(copy, text), "%s is \"%s\"", what, text);
}

// The value of an entry of the auxiliary vector, which begins at the word `first`.
static u64 auxv_value(size_t first, u64 type)
{
    for (size_t i = first; i + 1 < seen.count && seen.words[i] != AT_NULL; i += 2)
        if (seen.words[i] == type)
            return seen.words[i + 1];
    report(false, "an entry of type %lu in the auxiliary vector", type);
    return 0;
}

static void expect_auxv(size_t first, u64 type, u64 value)
{
    report_equal(auxv_value(first, type), value, "the entry of type %lu in the auxiliary vector",
                 type);
}

TEST(initial_stack)
{
    static const char *const argv[] = { "name", "two words", "", NULL };
    static const char *const envp[] = { "A=1", "B=", NULL };
    enum { ENVIRONMENT = 5, AUXV = 8 }; // argc, three pointers, NULL, two pointers, NULL
    u8 random[RANDOM_BYTES] = { 0 };
    struct task *task;
    int error;

    task = begin(argv, envp, &error);
    report_error(error, 0, "exec_load");
    if (!task)
        return;
    report_equal(seen.pointer % 16, 0, "rsp, last digit");
    report_count(seen.words[0], 3, "argc");
    for (unsigned i = 0; i < 3; i++)
        expect_string(task, seen.words[1 + i], argv[i], "an argument");
    report_equal(seen.words[ENVIRONMENT - 1], 0, "the end of the arguments");
    for (unsigned i = 0; i < 2; i++)
        expect_string(task, seen.words[ENVIRONMENT + i], envp[i], "a variable of the environment");
    report_equal(seen.words[AUXV - 1], 0, "the end of the environment");

    expect_auxv(AUXV, AT_PHNUM, 7);
    expect_auxv(AUXV, AT_PAGESZ, PAGE_SIZE);
    expect_auxv(AUXV, AT_CLKTCK, 100);
    expect_auxv(AUXV, AT_ENTRY, ENTRY);
    expect_auxv(AUXV, AT_BASE, 0);
    expect_auxv(AUXV, AT_FLAGS, 0);
    expect_auxv(AUXV, AT_UID, 0);
    expect_auxv(AUXV, AT_EUID, 0);
    expect_auxv(AUXV, AT_GID, 0);
    expect_auxv(AUXV, AT_EGID, 0);
    expect_auxv(AUXV, AT_SECURE, 0);
    expect_string(task, auxv_value(AUXV, AT_EXECFN), "/the/path", "AT_EXECFN");
    expect_string(task, auxv_value(AUXV, AT_PLATFORM), "x86_64", "AT_PLATFORM");
    report(auxv_value(AUXV, AT_HWCAP) & 1u << 25, "AT_HWCAP has SSE's bit");
    space_switch(task->space);
    report_count(copy_from_user(random, auxv_value(AUXV, AT_RANDOM), sizeof(random)), 0,
                 "random bytes that cannot be read");
    space_switch(&kernel_space);
    report(memcmp(random, seen.random, sizeof(random)), "AT_RANDOM's bytes are not zeroes");
    memcpy(seen.random, random, sizeof(random));

    report_equal(task_regs(task)->rip, ENTRY, "rip");
    report_equal(task_regs(task)->cs, USER_CS, "cs");
    report_equal(task_regs(task)->rdx, 0, "rdx, which libc would call at its end");
    process_free(task);
}

// The least there can be; and every length of a string, for the alignment.
TEST(initial_stack_alone)
{
    static const char *const nothing[] = { NULL };
    static const char text[] = "0123456789abcdef0123456789abcdef";
    struct task *task;
    int error;

    task = begin(nothing, nothing, &error);
    report_error(error, 0, "exec_load without arguments");
    if (!task)
        return;
    report_count(seen.words[0], 0, "argc without arguments");
    report_equal(seen.words[1] | seen.words[2], 0, "the ends of both lists");
    process_free(task);
    for (size_t length = 0; length < sizeof(text); length++) {
        const char *const argv[] = { text + length, NULL };

        task = begin(argv, nothing, &error);
        report_error(error, 0, "exec_load");
        if (!task)
            return;
        report_equal(seen.pointer % 16, 0, "rsp, last digit");
        expect_string(task, seen.words[1], argv[0], "the argument");
        process_free(task);
    }
}

TEST(arguments_too_long)
{
    static char text[EXEC_WORDS_MOST];
    static const char *const nothing[] = { NULL }, *const argv[] = { text, NULL };
    static const char *many[EXEC_WORDS_MOST / sizeof(u64) + 2];
    struct task *task;
    int error;

    memset(text, 'x', sizeof(text) - 1);
    begin(argv, nothing, &error);
    report_error(error, -E2BIG, "an argument that is too long");
    begin(nothing, argv, &error);
    report_error(error, -E2BIG, "a variable that is too long");
    text[sizeof(text) - PAGE_SIZE] = '\0';
    task = begin(argv, nothing, &error);
    report_error(error, 0, "an argument that is not");
    if (task)
        process_free(task);
    for (size_t i = 0; i < array_length(many) - 1; i++)
        many[i] = "";
    begin(many, nothing, &error);
    report_error(error, -E2BIG, "too many arguments");
}

TEST(exec_names)
{
    static char path[2 * PROCESS_PATH];
    static const char *const nothing[] = { NULL };
    struct exec exec = { .path = path, .file = "x", .argv = nothing, .envp = nothing };
    struct task *task = process_new("name");

    report(task, "a process");
    if (!task)
        return;
    memset(path, 'x', sizeof(path) - 1);
    report_error(exec_load(task, &exec), -ENAMETOOLONG, "a path that is too long");
    path[PROCESS_PATH] = '\0';
    report_error(exec_load(task, &exec), -ENAMETOOLONG, "a path that is too long by one byte");
    exec.path = "/short";
    exec.size = 1; // and no format knows it
    report_error(exec_load(task, &exec), -ENOEXEC, "a file of one byte");
    process_free(task);
}
