// The calls that tell what a file is like.

#include <arch/layout.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/file_layouts.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>

enum { BLOCK = 512 };

u64 node_links(const struct node *node)
{
    return node_kind(node) == S_IFDIR ? 2 + node->directories : 1;
}

u64 node_blocks(const struct node *node)
{
    u64 pages = node_kind(node) == S_IFREG ? (node->size + PAGE_SIZE - 1) / PAGE_SIZE : 0;

    return pages * (PAGE_SIZE / BLOCK);
}

long file_status_at(int fd, u64 path, u64 to, u64 flags, put_status_function *put)
{
    const struct node *node;
    int error;

    if ((u32)flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_node(fd, path, (u32)flags, &node);
    return error ? error : put(node, to);
}

long file_status(int fd, u64 to, put_status_function *put)
{
    struct file *file = current_file(fd);
    long error = file ? put(file->node, to) : -EBADF;

    file_put(file);
    return error;
}

static long put_status(const struct node *node, u64 to)
{
    const struct stat stat = {
        .device = FILES_DEVICE,
        .inode = node->inode,
        .links = node_links(node),
        .mode = node->mode,
        .owner = node->owner,
        .group = node->group,
        .special = node->device,
        .size = node->size,
        .block_size = PAGE_SIZE,
        .blocks = node_blocks(node),
        .accessed = node->modified,
        .modified = node->modified,
        .changed = node->modified,
    };

    return copy_to_user(to, &stat, sizeof(stat)) ? -EFAULT : 0;
}

long sys_stat(u64 path, u64 to)
{
    return file_status_at(AT_FDCWD, path, to, 0, put_status);
}

long sys_lstat(u64 path, u64 to)
{
    return file_status_at(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW, put_status);
}

long sys_fstat(int fd, u64 to)
{
    return file_status(fd, to, put_status);
}

long sys_newfstatat(int fd, u64 path, u64 to, u64 flags)
{
    return file_status_at(fd, path, to, flags, put_status);
}

// ---- what may be done with it ----------------------------------------------------------------------

enum { MAY_EXECUTE = 1, MAY_WRITE = 2, MAY_READ = 4 };

// Every program is the superuser's: it may read and write what can be written, and execute what anybody may.
static int check_access(const struct node *node, unsigned how)
{
    u32 kind = node_kind(node);
    bool device = kind == S_IFCHR || kind == S_IFIFO;

    if (how & MAY_WRITE && !device)
        return -EROFS;
    return how & MAY_EXECUTE && kind != S_IFDIR && !(node->mode & 0111) ? -EACCES : 0;
}

static long access(int fd, u64 path, unsigned how, unsigned flags)
{
    const struct node *node;
    int error;

    if (how & ~(unsigned)(MAY_EXECUTE | MAY_WRITE | MAY_READ) ||
        flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_node(fd, path, flags, &node);
    return error ? error : check_access(node, how);
}

long sys_access(u64 path, u32 how)
{
    return access(AT_FDCWD, path, how, 0);
}

long sys_faccessat(int fd, u64 path, u32 how)
{
    return access(fd, path, how, 0);
}

long sys_faccessat2(int fd, u64 path, u32 how, u64 flags)
{
    return access(fd, path, how, (unsigned)flags);
}
