// The calls that hostile programs make: counted, told, and made, but for those that would sleep.

#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/hostile/hostile.h>
#include <kernel/print.h>
#include <kernel/syscall.h>
#include <kernel/syscall32.h>
#include <kernel/syscall_table.h>

// Calls that can wait, and how the program says for how long.
enum how_long { TIMESPEC, MILLISECONDS };

struct wait {
    u16 number;
    u8 argument; // from 0, that says so
    enum how_long how_long;
};

// Linux's numbers, of x86-64 and of i386: nanosleep, clock_nanosleep, poll, ppoll.
static const struct wait waits[] = {
    { 35, 0, TIMESPEC }, { 230, 2, TIMESPEC }, { 7, 2, MILLISECONDS }, { 271, 2, TIMESPEC }, { 0 }
};
static const struct wait waits_32[] = { { 162, 0, TIMESPEC },
                                        { 267, 2, TIMESPEC },
                                        { 407, 2, TIMESPEC },
                                        { 168, 2, MILLISECONDS },
                                        { 309, 2, TIMESPEC },
                                        { 414, 2, TIMESPEC },
                                        { 0 } };

static u64 made, succeeded;
static bool telling;

static long count(long result)
{
    if (watching()) {
        made++;
        succeeded += result >= 0;
    }
    return result;
}

// Nothing ends a call that waits, not even the budget. So one that would not be over at once is not made.
static bool would_wait(const struct wait *wait, u64 number, const u64 arguments[SYSCALL_ARGUMENTS])
{
    u64 value;

    while (wait->number && wait->number != number)
        wait++;
    if (!wait->number)
        return false;
    value = arguments[wait->argument];
    return wait->how_long == MILLISECONDS ? (u32)value : !value || !user_get64(value, &value);
}

static long trace(struct pt_regs *regs)
{
    u64 arguments[SYSCALL_ARGUMENTS];

    flags_look();
    for (unsigned n = 0; n < SYSCALL_ARGUMENTS; n++)
        arguments[n] = syscall_argument(regs, n);
    if (would_wait(waits, syscall_number(regs), arguments))
        return -EINTR;
    return count(telling ? strace(regs) : syscall_call(regs));
}

static long trace_32(struct pt_regs *regs, const struct syscall32 *call)
{
    u64 arguments[SYSCALL_ARGUMENTS];

    flags_look();
    for (unsigned n = 0; n < SYSCALL_ARGUMENTS; n++)
        arguments[n] = call->arguments[n];
    if (would_wait(waits_32, call->number, arguments))
        return -EINTR;
    return count(telling ? strace32(regs, call) : syscall32_make(call));
}

void calls_prepare(bool tell)
{
    telling = tell;
    syscall_tracer_now = trace;
    syscall32_tracer_now = trace_32;
}

void calls_print(void)
{
    print("# system calls: %lu, of which %lu gave no error\n", made, succeeded);
}
