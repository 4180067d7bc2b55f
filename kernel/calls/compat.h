// The system calls of 32-bit programs that are none of 64-bit ones, for what they take is laid out differently:
// long compat_openat(int fd, u64 path, int flags, u32 mode). The rows COMPAT of kernel/syscalls32.def; its rows
// SYSCALL are the functions of calls.h.
#pragma once

#include <kernel/syscall_table.h>

#define PARAMETER(n, kind, argument) syscall_##kind argument
#define COMPAT(number, name, result, ...) \
    long compat_##name(SYSCALL_EACH(PARAMETER, void, ##__VA_ARGS__));
#define SYSCALL(...)
#include <kernel/syscalls32.def>
#undef SYSCALL
#undef COMPAT
#undef PARAMETER
