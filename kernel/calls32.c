// The table of i386's system calls. A row says COMPAT where what the call takes is laid out differently in 32 and
// in 64 bits. A signed argument is INT, whatever its C function takes: so its sign is extended.

#include <kernel/calls/calls.h>
#include <kernel/calls/compat.h>
#include <kernel/errno.h>
#include <kernel/syscall32.h>

long syscall32_make(const struct syscall32 *call)
{
#define ARGUMENT(n, kind, name) (syscall_##kind) call->arguments[n]
#define SYSCALL(number, name, result, ...) \
    case number:                           \
        return sys_##name(SYSCALL_EACH(ARGUMENT, , ##__VA_ARGS__));
#define COMPAT(number, name, result, ...) \
    case number:                          \
        return compat_##name(SYSCALL_EACH(ARGUMENT, , ##__VA_ARGS__));

    switch (call->number) {
#include <kernel/syscalls32.def>
    }
    return -ENOSYS;
}
