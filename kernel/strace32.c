// Printing the system calls of 32-bit programs in the style of strace.

#include <kernel/strace.h>
#include <kernel/syscall32.h>

#define KIND(n, kind, argument)  [n] = KIND_##kind
#define COUNT(n, kind, argument) 1
#define SYSCALL(number, call, value, ...)                                  \
    [number] = {                                                           \
        .name = #call,                                                     \
        .result = KIND_##value,                                            \
        .count = sizeof((char[]){ SYSCALL_EACH(COUNT, , ##__VA_ARGS__) }), \
        .kinds = { SYSCALL_EACH(KIND, 0, ##__VA_ARGS__) },                 \
    },
#define COMPAT SYSCALL

static const struct syscall_row rows[] = {
#include <kernel/syscalls32.def>
};

long strace32(struct pt_regs *regs, const struct syscall32 *call)
{
    struct strace traced = { .number = call->number };
    long result;

    (void)regs;
    if (call->number < array_length(rows) && rows[call->number].name)
        traced.row = &rows[call->number];
    for (unsigned n = 0; n < SYSCALL32_ARGUMENTS; n++) // signs as the functions see them
        traced.values[n] = traced.row && traced.row->kinds[n] == KIND_INT
                               ? (u64)(int)call->arguments[n]
                               : call->arguments[n];
    strace_begin(&traced);
    result = syscall32_make(call);
    strace_end(&traced, result);
    return result;
}
