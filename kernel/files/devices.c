// /dev/null and /dev/zero.

#include <kernel/errno.h>
#include <kernel/files/devices.h>

static long read_nothing(struct file *file, u64 position, struct spans *to)
{
    (void)file;
    (void)position;
    (void)to;
    return 0;
}

static long read_zeroes(struct file *file, u64 position, struct spans *to)
{
    size_t size = to->left, got = spans_clear(to, size);

    (void)file;
    (void)position;
    return size && !got ? -EFAULT : (long)got;
}

// What goes nowhere is not even looked at.
static long write_nowhere(struct file *file, struct spans *from)
{
    (void)file;
    return (long)from->left;
}

static long seek_nowhere(struct file *file, long offset, unsigned whence)
{
    (void)offset;
    (void)whence;
    file->position = 0;
    return 0;
}

const struct file_operations device_null = {
    .read = read_nothing,
    .write = write_nowhere,
    .seek = seek_nowhere,
};
const struct file_operations device_zero = {
    .read = read_zeroes,
    .write = write_nowhere,
    .seek = seek_nowhere,
};
