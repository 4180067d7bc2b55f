// Tests that run in the kernel and report on the serial port, in KTAP.
// https://docs.kernel.org/dev-tools/ktap.html
#pragma once

#include <arch/types.h>
#include <kernel/init.h>

struct test {
    const char *name;
    void (*run)(void);
    u64 before; // the step of initialisation before which it runs
};

// TEST(name) { ... }: a test of the plan, in the order of the file; run when all is initialised.
// TEST_BEFORE(step, name) { ... }: run before that step, so that it can test the functions which
// the step needs while others are not written yet. Those stand first in the file.
// PRIVATE_TEST(name) { ... }: one of the instructor's own, in a file of its own: behind all others.
#define TEST(name)                TEST_AT(INIT_DONE, name, __LINE__)
#define TEST_BEFORE(step, name)   TEST_AT(step, name, __LINE__)
#define PRIVATE_TEST(name)        TEST_LAST(name, __LINE__)
#define TEST_LAST(name, line)     TEST_LAST_AT(name, line)
#define TEST_LAST_AT(name, line)  TEST_AT(INIT_DONE, name, 90000##line)
#define TEST_AT(step, name, line) TEST_IN(step, name, line)
#define TEST_IN(step, id, line)                                                         \
    static void test_##id(void);                                                        \
    static const struct test entry_##id = { #id, test_##id, step };                     \
    static const struct test *const row_##id in_section(".tests." #line) = &entry_##id; \
    static void test_##id(void)

#define TESTS_MOST 256 // linker.ld

extern const struct test *const tests_start[], *const tests_stop[]; // linker.ld

// One fact of the test that runs: says nothing if it holds; if not, the test has failed and the
// line says what was expected and what was seen. `fact` is a printf format. report_bits has all 16
// digits, to read fields in them; report_count is decimal; report_place names the function there;
// report_error is for what returns 0 or a negative errno, and names it.
#define report(holds, ...)               report_equal(!!(holds), true, __VA_ARGS__)
#define report_equal(got, expected, ...) REPORT(REPORT_HEX, got, expected, __VA_ARGS__)
#define report_bits(got, expected, ...)  REPORT(REPORT_BITS, got, expected, __VA_ARGS__)
#define report_count(got, expected, ...) REPORT(REPORT_COUNT, got, expected, __VA_ARGS__)
#define report_place(got, expected, ...) REPORT(REPORT_PLACE, got, expected, __VA_ARGS__)
#define report_error(got, expected, ...) REPORT(REPORT_ERROR, (long)(got), expected, __VA_ARGS__)
#define REPORT(form, got, expected, ...) \
    report_values(form, (u64)(got), (u64)(expected), __VA_ARGS__)

enum report_form { REPORT_HEX, REPORT_BITS, REPORT_COUNT, REPORT_PLACE, REPORT_ERROR };
void report_values(enum report_form form, u64 got, u64 expected, const char *fact, ...)
    __attribute__((format(printf, 4, 5)));

// The test that runs cannot be run on this machine; `why` ends the sentence "skipped: ...".
void skip(const char *why);

// A random value from the seed; starts anew in each test, so tests do not depend on each other.
u64 test_random(void);

// A random value that no other source is likely to give: never 0, never all ones.
u64 test_pattern(void);

// The plan's tests so far, and the one that runs. The grader reads it in the memory of the machine (tally.py): a line
// can be held back or made up on its way to the serial port. Bochs tells of all who write to it (bochs_guard.py), so
// nothing in it changes with every fact.
struct tests_tally {
    u32 run, failed, skipped;
    u32 planned;
    bool failing;        // a fact that the test has looked at did not hold
    const char *not_run; // why it is skipped
    const struct test *running;
    u64 passed[TESTS_MOST / 64]; // a bit for each row of the table of tests
};
extern struct tests_tally tests_tally;

// The plan: which tests the command line asks for; none if it asks for programs. A name that no test has is a
// panic.
void tests_begin(void);

// Runs those tests of the plan that are due before `step` and have not run yet.
void tests_run_before(u64 step);

// Prints the end line. Returns whether no test failed.
bool tests_end(void);
