// The calls that are about directories and links.

#include <arch/layout.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/file_layouts.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/string.h>

// ---- what is in one --------------------------------------------------------------------------------

// The entry at a directory's position: itself, the one that it is in, then its children. NULL behind the last.
static const struct node *entry_at(const struct node *directory, u64 position, const char **name)
{
    const struct node *child = directory->children;

    *name = position ? ".." : ".";
    if (position < 2)
        return position ? directory->parent : directory;
    for (position -= 2; position && child; position--)
        child = child->next;
    *name = child ? child->name : NULL;
    return child;
}

// Writes one entry to at most `room` bytes. Its size, 0 if it does not fit, or -EFAULT.
static long put_entry(const struct node *node, const char *name, u64 next, u64 to, size_t room)
{
    char bytes[sizeof(struct directory_entry) + NAME_LONGEST + 1 + 7];
    struct directory_entry *entry = (struct directory_entry *)bytes;
    size_t length = strlen(name) + 1, size = (sizeof(*entry) + length + 7) & -8ul;

    if (size > room)
        return 0;
    memset(bytes, 0, size);
    *entry = (struct directory_entry){
        .inode = node->inode,
        .next = next,
        .size = (u16)size,
        .kind = (u8)(node_kind(node) >> 12), // DT_DIR and so on are these four bits
    };
    memcpy(entry->name, name, length);
    return copy_to_user(to, bytes, size) ? -EFAULT : (long)size;
}

static long put_entries(struct file *file, u64 to, size_t room)
{
    const struct node *node;
    const char *name;
    size_t all = 0;

    while ((node = entry_at(file->node, file->position, &name))) {
        long size = put_entry(node, name, file->position + 1, to + all, room - all);

        if (size <= 0)
            return all ? (long)all : size ? size : -EINVAL;
        all += (size_t)size;
        file->position++;
    }
    return (long)all;
}

long sys_getdents64(int fd, u64 to, u32 room)
{
    struct file *file = current_file(fd);
    long result = !file                              ? -EBADF
                  : node_kind(file->node) != S_IFDIR ? -ENOTDIR
                                                     : put_entries(file, to, room);

    file_put(file);
    return result;
}

// ---- the current one -------------------------------------------------------------------------------

static long change_to(const struct node *node)
{
    if (node_kind(node) != S_IFDIR)
        return -ENOTDIR;
    current_files()->directory = node;
    return 0;
}

long sys_chdir(u64 path)
{
    const struct node *node;
    int error = path_node(AT_FDCWD, path, 0, &node);

    return error ? error : change_to(node);
}

long sys_fchdir(int fd)
{
    struct file *file = current_file(fd);
    long error = file ? change_to(file->node) : -EBADF;

    file_put(file);
    return error;
}

long sys_getcwd(u64 to, size_t size)
{
    char *page = pages_allocate(1), *path;
    long length = -ENAMETOOLONG;

    if (!page)
        return -ENOMEM;
    path = node_path(current_files()->directory, page, PAGE_SIZE);
    if (path) {
        length = page + PAGE_SIZE - path;
        if ((size_t)length > size)
            length = -ERANGE;
        else if (copy_to_user(to, path, (size_t)length))
            length = -EFAULT;
    }
    pages_free(page, 1);
    return length;
}

// ---- links -----------------------------------------------------------------------------------------

static long read_link(int fd, u64 path, u64 to, int room)
{
    const struct node *node;
    const char *text;
    size_t length;
    int error;

    if (room <= 0)
        return -EINVAL;
    error = path_node(fd, path, AT_SYMLINK_NOFOLLOW, &node);
    if (error)
        return error;
    if (node_kind(node) != S_IFLNK)
        return -EINVAL;
    text = node_leads(node, &length);
    if (length > (size_t)room)
        length = (size_t)room;
    return copy_to_user(to, text, length) ? -EFAULT : length ? (long)length : -ENOENT;
}

long sys_readlink(u64 path, u64 to, int room)
{
    return read_link(AT_FDCWD, path, to, room);
}

long sys_readlinkat(int fd, u64 path, u64 to, int room)
{
    return read_link(fd, path, to, room);
}
