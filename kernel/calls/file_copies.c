// What the calls of files take from a program's memory before they begin: paths, and lists of pieces.

#include <arch/layout.h>
#include <arch/user.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/memory.h>

static_assert(PATH_LONGEST < PAGE_SIZE, "a path lies in one page");

int path_copy(u64 user, char **path)
{
    long length;
    int error = -ENOMEM;

    *path = pages_allocate(1);
    if (!*path)
        return error;
    length = strncpy_from_user(*path, user, PATH_LONGEST + 1);
    if (length > 0 && length <= PATH_LONGEST)
        return 0;
    error = length < 0 ? (int)length : length ? -ENAMETOOLONG : -ENOENT;
    pages_free(*path, 1);
    return error;
}

void path_free(char *path)
{
    pages_free(path, 1);
}

int path_start(int fd, const char *path, const struct node **from)
{
    struct file *file;

    *from = current_files()->directory;
    if (fd == AT_FDCWD || *path == '/')
        return 0;
    file = current_file(fd);
    if (!file)
        return -EBADF;
    *from = file->node;
    file_put(file);
    return node_kind(*from) == S_IFDIR ? 0 : -ENOTDIR;
}

// An empty path, where it is allowed.
static int descriptor_node(int fd, const struct node **node)
{
    struct file *file;

    *node = current_files()->directory;
    if (fd == AT_FDCWD)
        return 0;
    file = current_file(fd);
    if (!file)
        return -EBADF;
    *node = file->node;
    file_put(file);
    return 0;
}

int path_node(int fd, u64 path, unsigned flags, const struct node **node)
{
    char *copy;
    int error = path_copy(path, &copy);

    if (error == -ENOENT && flags & AT_EMPTY_PATH)
        return descriptor_node(fd, node);
    if (error)
        return error;
    error = path_start(fd, copy, node);
    if (!error)
        error = path_find(*node, copy, flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0, node);
    path_free(copy);
    return error;
}

// ---- pieces ----------------------------------------------------------------------------------------

static int span_copy(struct span *span, u64 user, unsigned word)
{
    u32 narrow[2];

    if (word == sizeof(u64))
        return copy_from_user(span, user, sizeof(*span)) ? -EFAULT : 0;
    if (copy_from_user(narrow, user, sizeof(narrow)))
        return -EFAULT;
    *span = (struct span){ narrow[0], narrow[1] };
    return 0;
}

int spans_copy(struct spans *spans, u64 user, u64 count, unsigned word)
{
    const u64 most = word == sizeof(u64) ? INT64_MAX : INT32_MAX;
    struct span *span;
    int error = 0;

    if (count > SPANS_MOST)
        return -EINVAL;
    span = heap_allocate(count * sizeof(*span));
    if (!span)
        return -ENOMEM;
    *spans = (struct spans){ .span = span, .memory = span };
    for (u64 i = 0; i < count && !error; i++) {
        error = span_copy(&span[i], user + i * 2 * word, word);
        if (!error && span[i].size > most)
            error = -EINVAL;
        if (!error && !user_range(span[i].start, span[i].size))
            error = -EFAULT;
        if (span[i].size > BYTES_MOST - spans->left)
            span[i].size = BYTES_MOST - spans->left;
        spans->left += span[i].size;
    }
    if (error)
        spans_release(spans);
    return error;
}

void spans_release(struct spans *spans)
{
    heap_free(spans->memory);
}
