// /dev/null and /dev/zero.

#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/files/devices.h>

static long read_nothing(struct file *file, u64 position, u64 to, size_t size)
{
    (void)file;
    (void)position;
    (void)to;
    (void)size;
    return 0;
}

static long read_zeroes(struct file *file, u64 position, u64 to, size_t size)
{
    size_t left = clear_user(to, size);

    (void)file;
    (void)position;
    return size && left == size ? -EFAULT : (long)(size - left);
}

static long write_nowhere(struct file *file, const void *data, size_t size)
{
    (void)file;
    (void)data;
    return (long)size;
}

const struct file_operations device_null = { .read = read_nothing, .write = write_nowhere };
const struct file_operations device_zero = { .read = read_zeroes, .write = write_nowhere };
