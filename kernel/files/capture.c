// A file for tests: they give what a program reads and keep what it writes. To the program it looks like a pipe.

#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/heap.h>
#include <kernel/string.h>

enum { PIECE = 256 };

struct capture {
    const char *input;
    size_t unread;
    size_t size, room;
    bool lost;
    char text[];
};

static const struct node pipe = { .name = "", .mode = S_IFIFO | 0600, .inode = 1 };

static long read(struct file *file, u64 position, struct spans *to)
{
    struct capture *capture = file->context;
    size_t size = to->left < capture->unread ? to->left : capture->unread;
    size_t got = spans_put(to, capture->input, size);

    (void)position;
    capture->input += got;
    capture->unread -= got;
    return size && !got ? -EFAULT : (long)got;
}

// What is lost is read all the same, so that a bad address fails here as it does elsewhere.
static long write(struct file *file, struct spans *from)
{
    struct capture *capture = file->context;
    char piece[PIECE];
    size_t all = 0, got, room;

    while (from->left) {
        size_t size = from->left < PIECE ? from->left : PIECE;

        got = spans_take(from, piece, size);
        room = capture->room - capture->size;
        capture->lost |= got > room;
        room = got < room ? got : room;
        memcpy(capture->text + capture->size, piece, room);
        capture->size += room;
        all += got;
        if (got < size)
            return all ? (long)all : -EFAULT;
    }
    return (long)all;
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
