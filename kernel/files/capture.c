// A file for tests: they give what a program reads and keep what it writes. To the program it looks like a pipe.

#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/heap.h>
#include <kernel/string.h>

struct capture {
    const char *input;
    size_t unread;
    size_t size, room;
    bool lost;
    char text[];
};

static const struct node pipe = { .name = "", .mode = S_IFIFO | 0600, .inode = 1 };

static long read(struct file *file, u64 position, u64 to, size_t size)
{
    struct capture *capture = file->context;
    size_t got;

    (void)position;
    if (size > capture->unread)
        size = capture->unread;
    got = size - copy_to_user(to, capture->input, size);
    capture->input += got;
    capture->unread -= got;
    return size && !got ? -EFAULT : (long)got;
}

static long write(struct file *file, const void *data, size_t size)
{
    struct capture *capture = file->context;
    size_t room = capture->room - capture->size, kept = size < room ? size : room;

    memcpy(capture->text + capture->size, data, kept);
    capture->size += kept;
    capture->lost |= kept != size;
    return (long)size;
}

static void close(struct file *file)
{
    heap_free(file->context);
}

static const struct file_operations operations = { .read = read, .write = write, .close = close };

struct file *capture_new(const char *input, size_t input_size, size_t size)
{
    struct capture *capture = heap_allocate(sizeof(*capture) + size);
    struct file *file = file_new(&pipe, &operations, O_RDWR);

    if (!capture || !file) {
        heap_free(capture);
        heap_free(file);
        return NULL;
    }
    *capture = (struct capture){ .input = input, .unread = input_size, .room = size };
    file->context = capture;
    return file;
}

const char *capture_text(const struct file *file, size_t *size, bool *lost)
{
    const struct capture *capture = file->context;

    *size = capture->size;
    *lost = capture->lost;
    return capture->text;
}
