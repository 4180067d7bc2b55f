// Printing system calls in the style of strace.

#include <arch/user.h>
#include <kernel/errno_name.h>
#include <kernel/print.h>
#include <kernel/strace.h>
#include <kernel/syscall.h>

static void take_string(struct strace_string *string, u64 address, size_t size)
{
    size_t take = size < STRACE_BYTES ? size : STRACE_BYTES;

    string->size = size;
    string->readable = !copy_from_user(string->bytes, address, take);
}

// Byte by byte: the next page may not be there.
static void take_path(struct strace_string *string, u64 address)
{
    long length = strncpy_from_user(string->bytes, address, STRACE_BYTES);

    string->readable = length >= 0;
    string->size = length < STRACE_BYTES ? (size_t)length : STRACE_BYTES + 1;
}

static void print_argument(const struct strace *call, unsigned n)
{
    const struct strace_string *string = &call->strings[n];

    if (string->readable)
        strace_print_bytes(string->bytes, string->size);
    else
        strace_print_value(call->row->kinds[n], call->values[n]);
}

static void print_call(const struct strace *call)
{
    if (!call->row) {
        print("syscall_%u(", call->number);
        for (unsigned n = 0; n < SYSCALL_ARGUMENTS; n++)
            print("%s0x%lx", n ? ", " : "", call->values[n]);
        print(")");
        return;
    }
    print("%s(", call->row->name);
    for (unsigned n = 0; n < call->row->count; n++) {
        if (n)
            print(", ");
        print_argument(call, n);
    }
    print(")");
}

void strace_begin(struct strace *call)
{
    const struct syscall_row *row = call->row;

    for (unsigned n = 0; n < SYSCALL_ARGUMENTS; n++)
        call->strings[n].readable = false;
    for (unsigned n = 0; row && n < row->count; n++) {
        if (row->kinds[n] == KIND_PATH)
            take_path(&call->strings[n], call->values[n]);
        else if (row->kinds[n] == KIND_BYTES_IN)
            take_string(&call->strings[n], call->values[n], call->values[n + 1]);
    }
    if (row && row->result == KIND_NOTHING) {
        print_call(call);
        print(" = ?\n");
    }
}

void strace_end(struct strace *call, long result)
{
    enum { MOST_ERRORS = 4095 }; // what is above -4096 is an error, all else a result
    const struct syscall_row *row = call->row;
    const char *name = result < 0 && result >= -MOST_ERRORS ? errno_name((int)-result) : NULL;

    for (unsigned n = 0; row && result > 0 && n < row->count; n++)
        if (row->kinds[n] == KIND_BYTES_OUT)
            take_string(&call->strings[n], call->values[n], (size_t)result);
    print_call(call);
    print(" = ");
    if (name)
        print("-1 %s", name);
    else if (result < 0 && result >= -MOST_ERRORS)
        print("-1 errno %ld", -result);
    else
        strace_print_value(row ? row->result : KIND_LONG, (u64)result);
    print("\n");
}

// ---- the table of x86-64 ------------------------------------------------------------------------

#define KIND(n, kind, argument)  [n] = KIND_##kind
#define COUNT(n, kind, argument) 1
#define SYSCALL(number, call, value, ...)                                  \
    [number] = {                                                           \
        .name = #call,                                                     \
        .result = KIND_##value,                                            \
        .count = sizeof((char[]){ SYSCALL_EACH(COUNT, , ##__VA_ARGS__) }), \
        .kinds = { SYSCALL_EACH(KIND, 0, ##__VA_ARGS__) },                 \
    },

static const struct syscall_row rows[] = {
#include <kernel/syscalls.def>
};

long strace(struct pt_regs *regs)
{
    struct strace call = { .number = (u32)syscall_number(regs) };
    long result;

    if (call.number < array_length(rows) && rows[call.number].name)
        call.row = &rows[call.number];
    for (unsigned n = 0; n < SYSCALL_ARGUMENTS; n++)
        call.values[n] = syscall_argument(regs, n);
    strace_begin(&call);
    result = syscall_call(regs);
    strace_end(&call, result);
    return result;
}
