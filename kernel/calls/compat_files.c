// The calls of files as 32-bit programs make them.

#include <arch/layout.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/compat.h>
#include <kernel/calls/compat_layouts.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>

// ---- opening: without O_LARGEFILE by itself --------------------------------------------------------------

long compat_open(u64 path, int flags, u32 mode)
{
    return compat_openat(AT_FDCWD, path, flags, mode);
}

long compat_openat(int fd, u64 path, int flags, u32 mode)
{
    (void)mode; // nothing can be created
    return file_open_at(fd, path, (unsigned)flags);
}

// ---- positions of 64 bits, in two words ------------------------------------------------------------------

static u64 both(u32 low, u32 high)
{
    return (u64)high << 32 | low;
}

long compat_llseek(int fd, u32 high, u32 low, u64 result, u32 whence)
{
    long position = sys_lseek(fd, (long)both(low, high), whence);

    if (position < 0)
        return position;
    return user_put64(result, (u64)position);
}

long compat_pread64(int fd, u64 buffer, size_t size, u32 low, u32 high)
{
    return sys_pread64(fd, buffer, size, (long)both(low, high));
}

// Its position has 32 bits.
long compat_sendfile(int to, int from, u64 position, size_t size)
{
    u32 low;
    u64 at;
    long sent;

    if (!position)
        return file_send(to, from, NULL, size);
    if (user_get32(position, &low))
        return -EFAULT;
    at = (u64)(int)low;
    sent = file_send(to, from, &at, size);
    return user_put32(position, (u32)at) ? -EFAULT : sent;
}

// ---- several pieces --------------------------------------------------------------------------------------

long compat_readv(int fd, u64 pieces, int count)
{
    return file_vector(fd, pieces, (u64)count, sizeof(u32), file_read);
}

long compat_writev(int fd, u64 pieces, int count)
{
    return file_vector(fd, pieces, (u64)count, sizeof(u32), file_write);
}

// ---- what a file is like ---------------------------------------------------------------------------------

static long put_status(const struct node *node, u64 to)
{
    const struct compat_stat stat = {
        .device = FILES_DEVICE,
        .low_inode = (u32)node->inode,
        .mode = node->mode,
        .links = (u32)node_links(node),
        .owner = node->owner,
        .group = node->group,
        .special = node->device,
        .size = node->size,
        .block_size = PAGE_SIZE,
        .blocks = node_blocks(node),
        .accessed = (u32)node->modified,
        .modified = (u32)node->modified,
        .changed = (u32)node->modified,
        .inode = node->inode,
    };

    return copy_to_user(to, &stat, sizeof(stat)) ? -EFAULT : 0;
}

long compat_stat64(u64 path, u64 to)
{
    return file_status_at(AT_FDCWD, path, to, 0, put_status);
}

long compat_lstat64(u64 path, u64 to)
{
    return file_status_at(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW, put_status);
}

long compat_fstat64(int fd, u64 to)
{
    return file_status(fd, to, put_status);
}

long compat_fstatat64(int fd, u64 path, u64 to, u64 flags)
{
    return file_status_at(fd, path, to, flags, put_status);
}
