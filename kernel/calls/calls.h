// The system calls, each a C function: long sys_read(int fd, u64 buffer, size_t size). The result, or a
// negative errno. They run with interrupts on, and the program's address space is the current one.
#pragma once

#include <kernel/syscall_table.h>

#define PARAMETER(n, kind, argument) syscall_##kind argument
#define SYSCALL(number, name, result, ...) \
    long sys_##name(SYSCALL_EACH(PARAMETER, void, ##__VA_ARGS__));
#include <kernel/syscalls.def>
#undef SYSCALL
#undef PARAMETER
