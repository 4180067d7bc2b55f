// Printing system calls in the style of strace: name(arguments) = result.
#pragma once

#include <kernel/syscall_table.h>

// A call as its table describes it.
struct syscall_row {
    const char *name;
    enum syscall_kind result;
    unsigned count;
    enum syscall_kind kinds[SYSCALL_ARGUMENTS];
};

enum { STRACE_BYTES = 32 }; // of a string, as strace has it

// What a call was given: the values, and the strings as they were before it.
struct strace {
    const struct syscall_row *row; // NULL for a number without a call
    u32 number;
    u64 values[SYSCALL_ARGUMENTS];
    struct strace_string {
        size_t size; // how long it really is
        bool readable;
        char bytes[STRACE_BYTES];
    } strings[SYSCALL_ARGUMENTS];
};

// Before the call, and behind it. One that does not return is printed before.
void strace_begin(struct strace *call);
void strace_end(struct strace *call, long result);

// strace_values.c: a value alone, and bytes in quotes, cut.
void strace_print_value(enum syscall_kind kind, u64 value);
void strace_print_bytes(const char *bytes, size_t size);
