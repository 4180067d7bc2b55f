// The calls that open and close files. Nothing can be made or written, for the file system is read-only: which
// error says so is Linux's choice in each case.

#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/string.h>

// The result of looking for what is to be opened, if it may have to be made first.
static int check_make(const char *path, unsigned flags, int error, const struct node *found)
{
    bool missing = error == -ENOENT && found;

    if (!(flags & O_CREAT) || (error && !missing))
        return error;
    if (path[strlen(path) - 1] == '/')
        return -EISDIR;
    if (missing)
        return -EROFS;
    if (flags & O_EXCL)
        return -EEXIST;
    return node_kind(found) == S_IFDIR ? -EISDIR : 0;
}

static int check_open(const struct node *node, unsigned flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

    if (flags & O_DIRECTORY && node_kind(node) != S_IFDIR)
        return -ENOTDIR;
    switch (node_kind(node)) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return writes ? -EISDIR : 0;
    case S_IFREG:
        return writes ? -EROFS : 0;
    default:
        return 0;
    }
}

// The node to open.
static int find(int fd, u64 user, unsigned flags, const struct node **node)
{
    bool as_it_is = flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL);
    const struct node *from;
    char *path;
    int error = path_copy(user, &path);

    if (error)
        return error;
    error = files_lowest(current_files(), 0);
    if (error >= 0)
        error = path_start(fd, path, &from);
    if (!error) {
        error = path_find(from, path, as_it_is ? PATH_NO_FOLLOW : 0, node);
        error = check_make(path, flags, error, *node);
    }
    path_free(path);
    return error ? error : check_open(*node, flags);
}

long file_open_at(int fd, u64 path, unsigned flags)
{
    const unsigned kept =
        O_ACCMODE | O_APPEND | O_NONBLOCK | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW;
    const struct node *node;
    struct file *file;
    int error = find(fd, path, flags, &node);

    if (error)
        return error;
    file = file_open(node, flags & kept);
    if (!file)
        return -ENOMEM;
    fd = files_add(current_files(), file, 0, flags & O_CLOEXEC);
    if (fd < 0)
        file_put(file);
    return fd;
}

long sys_open(u64 path, int flags, u32 mode)
{
    (void)mode;
    return file_open_at(AT_FDCWD, path, (unsigned)flags | O_LARGEFILE);
}

long sys_openat(int fd, u64 path, int flags, u32 mode)
{
    (void)mode;
    return file_open_at(fd, path, (unsigned)flags | O_LARGEFILE);
}

long sys_close(int fd)
{
    return files_close(current_files(), fd);
}
