// Open files.

#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/heap.h>

static long read_bytes(struct file *file, u64 position, struct spans *to)
{
    const struct node *node = file->node;
    size_t there, got;

    if (position >= node->size || !to->left)
        return 0;
    there = node->size - position;
    got = spans_put(to, node->data + position, there);
    return got ? (long)got : -EFAULT;
}

static long seek_bytes(struct file *file, long offset, unsigned whence)
{
    u64 size = file->node->size, from = 0;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        from = file->position;
        break;
    case SEEK_END:
        from = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (offset < 0 || (u64)offset >= size)
            return -ENXIO;
        if (whence == SEEK_HOLE)
            offset = (long)size;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow((long)from, offset, &offset) || offset < 0)
        return -EINVAL;
    file->position = (u64)offset;
    return offset;
}

static const struct file_operations bytes = { .read = read_bytes, .seek = seek_bytes };

static long read_directory(struct file *file, u64 position, struct spans *to)
{
    (void)file;
    (void)position;
    (void)to;
    return -EISDIR;
}

static long seek_directory(struct file *file, long offset, unsigned whence)
{
    return whence == SEEK_SET || whence == SEEK_CUR ? seek_bytes(file, offset, whence) : -EINVAL;
}

static const struct file_operations directory = { .read = read_directory, .seek = seek_directory };

static const struct file_operations *operations_of(const struct node *node)
{
    switch (node_kind(node)) {
    case S_IFDIR:
        return &directory;
    case S_IFREG:
        return &bytes;
    default:
        return node->operations;
    }
}

struct file *file_new(const struct node *node, const struct file_operations *operations,
                      unsigned flags)
{
    struct file *file = heap_allocate(sizeof(*file));

    if (file)
        *file = (struct file){
            .operations = operations,
            .node = node,
            .flags = flags,
            .users = 1,
        };
    return file;
}

struct file *file_open(const struct node *node, unsigned flags)
{
    return file_new(node, operations_of(node), flags);
}

void file_put(struct file *file)
{
    if (!file || --file->users)
        return;
    if (file->operations->close)
        file->operations->close(file);
    heap_free(file);
}
