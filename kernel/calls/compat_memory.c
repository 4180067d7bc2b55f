// The calls of memory as 32-bit programs make them.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/compat.h>
#include <kernel/calls/memory.h>
#include <kernel/errno.h>
#include <kernel/process.h>

enum { MMAP_UNIT = 4096 }; // of mmap2's offset, whatever the size of a page

#define FOUR_GIB (1ul << 32)

// What a 64-bit program asks for by int 0x80 is to fit into eax, too.
static int reachable(int flags)
{
    return current_process()->addresses_end > FOUR_GIB ? flags | MAP_32BIT : flags;
}

long compat_mmap2(u64 address, size_t length, int protection, int flags, int fd, u32 offset)
{
    return sys_mmap(address, length, protection, reachable(flags), fd, (u64)offset * MMAP_UNIT);
}

// The first one of i386 takes its six arguments from memory, and the offset in bytes.
long compat_mmap(u64 arguments)
{
    u32 a[6];

    if (copy_from_user(a, arguments, sizeof(a)))
        return -EFAULT;
    return sys_mmap(a[0], a[1], (int)a[2], reachable((int)a[3]), (int)a[4], a[5]);
}
