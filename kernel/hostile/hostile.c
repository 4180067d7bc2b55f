// Programs thrown at the kernel, one after the other, and what must be true after each: the kernel still
// runs; the program knows no address of the kernel's; nothing of the CPU has changed that is not its
// own; no page is lost; honest programs find what they should.

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/hostile/hostile.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/traps.h>
#include <arch/vectors.h>
#include <arch/paging.h>

enum {
    BUDGET = 20000, // instructions of a program,
    OTHER_BUDGET = 31234,
    PATIENCE = 1000000,     // and of an honest one
    BATCH = 256,            // programs between two lines that say how far it is
    BEGINNER = 8,           // programs between two honest ones that begin
    ENOUGH = 5,             // findings
    EXITED = VECTORS_COUNT, // in place of a vector
};

bool in_qemu;
static struct program program;
static unsigned findings;
static u64 ended_by[VECTORS_COUNT + 1];
static print_writer *console;

// One program alone is told about; of many there would be no end.
static bool alone(void)
{
    return cmdline.count == 1;
}

// ---- one program -----------------------------------------------------------------------------------

static void finding(const char *format, ...)
{
    print_writer *before = print_to(console);
    va_list arguments;

    findings++;
    print("# program %lu: ", program.seed);
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
    print_to(before);
}

// An address of the kernel's that the program has come to know.
struct leak {
    u64 address; // 0: none
    const char *format;
};

static struct leak look_for_leaks(const struct task *task)
{
    struct leak leak = { watch_leak(),
                         "it goes on after an exception, and 0x%lx is in its registers" };

    if (leak.address)
        return leak;
    leak = (struct leak){ leak_in_registers(&program, &task->end.regs),
                          "it ends, and 0x%lx is in its registers" };
    if (leak.address)
        return leak;
    return (struct leak){ leak_in_memory(&program, task->space), "0x%lx is in its memory" };
}

// Returns by which vector it ended.
static unsigned run(u64 budget, struct leak *leak)
{
    struct task *task = program_load(&program);
    unsigned vector;

    watch_program(&program, alone());
    budget_start(budget);
    task_run(task);
    budget_stop();
    watch_program(NULL, false);
    vector = task->end.exited ? EXITED : task->end.vector;
    *leak = look_for_leaks(task);
    process_free(task);
    return vector;
}

// A program that spins may come to compute an address of the kernel's: then, stopped at another time, it has
// come to another one.
static void run_and_look(void)
{
    struct leak leak, again;
    unsigned vector = run(BUDGET, &leak);

    ended_by[vector]++;
    if (leak.address && vector == VECTOR_TIMER) {
        run(OTHER_BUDGET, &again);
        if (again.address != leak.address)
            return;
    }
    if (leak.address)
        finding(leak.format, leak.address);
}

static void look_at_the_kernel(void)
{
    const char *text = said_unexpectedly();
    u64 flags = flags_found_unclean();

    if (text)
        finding("the kernel says meanwhile: %s", text);
    if (!canary_lives())
        finding("the kernel's memory has been written to");
    if (flags)
        finding("the kernel runs with rflags 0x%lx", flags);
}

static void look_at_the_rest(bool beginner)
{
    const char *what;

    if (beginner && !honest_begins(&what))
        finding("an honest program that begins after it finds others' %s", what);
    if (!honest_goes_on(&what))
        finding("an honest program that goes on after it finds other %s", what);
    if (!state_same(beginner, &what))
        finding("it has changed %s", what);
}

// ---- all of them -----------------------------------------------------------------------------------

static void say_how_they_ended(void)
{
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        if (ended_by[vector])
            print("# ended by %s: %lu\n", vectors[vector].name, ended_by[vector]);
    print("# ended by itself: %lu\n", ended_by[EXITED]);
    calls_print();
}

static bool probe(void)
{
    extern const struct flat probe_iretq;
    struct task *task = process_new("probe");
    bool works;

    if (!task || flat_load(task, &probe_iretq) != 0)
        panic("no memory for a program");
    task_run(task);
    works = task->end.ended && task->end.vector == VECTOR_BP;
    process_free(task);
    return works;
}

static void prepare(void)
{
    const char *what;

    in_qemu = !probe();

    canary_prepare();
    watch_prepare();
    budget_prepare();
    calls_prepare(alone());
    honest_prepare();
    if (!honest_begins(&what) || !honest_goes_on(&what))
        panic("before any hostile program: %s", what);
    state_note();
}

// Free pages that are gone, each time it runs: once, they may have gone to the heap, which keeps them.
static size_t pages_lost(void)
{
    size_t before = pages_available();
    struct leak leak;

    run(BUDGET, &leak);
    return before - pages_available();
}

static void throw(u64 seed)
{
    size_t pages = pages_available();

    program_make(&program, seed);
    if (alone())
        program_print(&program);
    print_to(alone() ? console : said_keep);
    said_forget();
    run_and_look();
    look_at_the_kernel();
    print_to(said_keep);
    look_at_the_rest(seed % BEGINNER == 0);
    if (pages_available() != pages && (pages = pages_lost()))
        finding("each time, %zu free pages are lost", pages);
    print_to(console);
}

TEST(hostile)
{
    console = print_to(said_keep);
    prepare();
    print_to(console);
    for (u64 i = 0; i < cmdline.count && findings < ENOUGH; i++) {
        if (i % BATCH == 0 || cmdline.count <= BATCH) // of few, each: the last may end the machine
            print("# from %lu\n", cmdline.seed + i);
        throw(cmdline.seed + i);
    }
    say_how_they_ended();
    report_count(findings, 0, "findings");
}
