// Open files.

#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/heap.h>

static long read_bytes(struct file *file, u64 position, u64 to, size_t size)
{
    const struct node *node = file->node;
    size_t left, there;

    if (position >= node->size)
        return 0;
    there = node->size - position;
    if (size > there)
        size = there;
    left = copy_to_user(to, node->data + position, size);
    return size && left == size ? -EFAULT : (long)(size - left);
}

static const struct file_operations bytes = { .read = read_bytes, .seeks = true };

static long read_directory(struct file *file, u64 position, u64 to, size_t size)
{
    (void)file;
    (void)position;
    (void)to;
    (void)size;
    return -EISDIR;
}

static const struct file_operations directory = { .read = read_directory, .seeks = true };

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
