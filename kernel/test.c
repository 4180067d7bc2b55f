// Tests that run in the kernel. Results carry the run's nonce, so that a recording is worth nothing.

#include <arch/layout.h>
#include <arch/machine.h>
#include <kernel/cmdline.h>
#include <kernel/errno_name.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/symbols.h>
#include <kernel/test.h>

struct tests_tally tests_tally;
static_assert(offsetof(struct tests_tally, running) == 32, "tally.py");
static_assert(offsetof(struct tests_tally, passed) == 40 && sizeof(struct tests_tally) == 72,
              "tally.py");

static unsigned facts; // that the test has looked at
static u64 random_state;

static const struct test *const *next = tests_start;
static unsigned number;

// `0xffffffff80104040 (do_bug+0x10)`
static void print_place(u64 address)
{
    const struct symbol *symbol = symbol_at(address);

    print("0x%lx ", address);
    if (!symbol)
        print("(not in the code)");
    else if (symbol->address == address)
        print("(%s)", symbol->name);
    else
        print("(%s+0x%lx)", symbol->name, address - symbol->address);
}

// `-ENOMEM`, or a number.
static void print_error(long value)
{
    const char *name = value < 0 ? errno_name((int)-value) : NULL;

    if (name)
        print("-%s", name);
    else
        print("%ld", value);
}

static void print_as(enum report_form form, u64 value)
{
    switch (form) {
    case REPORT_HEX:
        print("0x%lx", value);
        break;
    case REPORT_BITS:
        print("0x%016lx", value);
        break;
    case REPORT_COUNT:
        print("%lu", value);
        break;
    case REPORT_PLACE:
        print_place(value);
        break;
    case REPORT_ERROR:
        print_error((long)value);
        break;
    }
}

extern const char tests_code[]; // Makefile: behind the code of files with holes

// A fact is a test's word, or that of a function which a test has called.
static void insist_on_a_test(u64 caller)
{
    if (caller < (u64)tests_code || caller >= (u64)entry_text_start)
        panic("a fact was reported from 0x%lx, which is in no test", caller);
}

void report_values(enum report_form form, u64 got, u64 expected, const char *fact, ...)
{
    va_list arguments;

    insist_on_a_test((u64)__builtin_return_address(0));
    facts++;
    if (got == expected)
        return;
    if (!tests_tally.failing)
        tests_tally.failing = true;
    print("# %s: ", tests_tally.running->name);
    va_start(arguments, fact);
    vprint(fact, arguments);
    va_end(arguments);
    print(": expected ");
    print_as(form, expected);
    print(", got ");
    print_as(form, got);
    print("\n");
}

void skip(const char *why)
{
    tests_tally.not_run = why;
}

u64 test_random(void)
{
    return random_next(&random_state);
}

u64 test_pattern(void)
{
    u64 value;

    do
        value = test_random();
    while (value == 0 || value == UINT64_MAX);
    return value;
}

// Whether `name` stands in the list of names with commas between.
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (;;) {
        if (!strncmp(list, name, length) && (list[length] == ',' || !list[length]))
            return true;
        while (*list && *list != ',')
            list++;
        if (!*list++)
            return false;
    }
}

// Whoever asks for programs asks for no tests.
static bool wanted(const struct test *test)
{
    return !cmdline.run && (!strcmp(cmdline.tests, "all") || listed(cmdline.tests, test->name));
}

static bool exists(const char *name, size_t length)
{
    for (const struct test *const *test = tests_start; test != tests_stop; test++)
        if (strlen((*test)->name) == length && !strncmp((*test)->name, name, length))
            return true;
    return false;
}

static void check_names(void)
{
    const char *name = cmdline.tests;

    if (!strcmp(name, "all"))
        return;
    while (*name) {
        size_t length = 0;
        while (name[length] && name[length] != ',')
            length++;
        if (!exists(name, length))
            panic("command line: no test is named \"%.*s\"", (int)length, name);
        name += length + (name[length] == ',');
    }
}

void tests_begin(void)
{
    check_names();
    for (const struct test *const *test = tests_start; test != tests_stop; test++)
        tests_tally.planned += wanted(*test);
    if (tests_tally.planned)
        print("KTAP version 1\n1..%u\n", tests_tally.planned);
}

static void run(size_t row)
{
    struct tests_tally *all = &tests_tally;
    const struct test *test = tests_start[row];

    all->running = test;
    all->failing = false;
    all->not_run = NULL;
    facts = 0;
    random_state = cmdline.seed;
    print("# begin %u %s\n", ++number, test->name);
    machine_settle();
    test->run();
    all->run++;
    if (all->failing)
        all->failed++;
    else if (all->not_run)
        all->skipped++;
    else
        all->passed[row / 64] |= 1ul << row % 64;
    print("%sok %u %s [%s]", all->failing ? "not " : "", number, test->name, cmdline.nonce);
    if (all->not_run && !all->failing)
        print(" # SKIP %s", all->not_run);
    else if (!all->failing)
        print(" # %u facts", facts);
    print("\n");
    machine_settle();
}

void tests_run_before(u64 step)
{
    for (; next != tests_stop && (*next)->before <= step; next++)
        if (wanted(*next))
            run((size_t)(next - tests_start));
}

bool tests_end(void)
{
    const struct tests_tally *all = &tests_tally;

    print("# END [%s] %u passed, %u failed, %u skipped\n", cmdline.nonce,
          all->planned - all->failed - all->skipped, all->failed, all->skipped);
    return !all->failed;
}
