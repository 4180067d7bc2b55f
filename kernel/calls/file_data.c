// The calls that read and write what is in files.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>

// What cannot be a program's memory is refused before a byte has moved.
static int check(struct spans *spans)
{
    if (spans->left && !user_range(spans->span->start, spans->span->size))
        return -EFAULT;
    if (spans->left > BYTES_MOST)
        spans->left = BYTES_MOST;
    return 0;
}

static int check_read(const struct file *file, struct spans *to)
{
    return !file || !file_readable(file) ? -EBADF : !file->operations->read ? -EINVAL : check(to);
}

static int check_write(const struct file *file, struct spans *from)
{
    return !file || !file_writable(file) ? -EBADF
           : !file->operations->write    ? -EINVAL
                                         : check(from);
}

long file_read(int fd, struct spans *to)
{
    struct file *file = current_file(fd);
    long got = check_read(file, to);

    if (!got)
        got = file->operations->read(file, file->position, to);
    if (got > 0)
        file->position += (u64)got;
    file_put(file);
    return got;
}

long file_write(int fd, struct spans *from)
{
    struct file *file = current_file(fd);
    long taken = check_write(file, from);

    if (!taken)
        taken = file->operations->write(file, from);
    file_put(file);
    return taken;
}

long sys_read(int fd, u64 buffer, size_t size)
{
    const struct span span = { buffer, size };
    struct spans to = spans_user(&span);

    return file_read(fd, &to);
}

long sys_write(int fd, u64 buffer, size_t size)
{
    const struct span span = { buffer, size };
    struct spans from = spans_user(&span);

    return file_write(fd, &from);
}

long sys_pread64(int fd, u64 buffer, size_t size, long position)
{
    const struct span span = { buffer, size };
    struct spans to = spans_user(&span);
    struct file *file;
    long got;

    if (position < 0)
        return -EINVAL;
    file = current_file(fd);
    got = !file ? -EBADF : !file->operations->seek ? -ESPIPE : check_read(file, &to);
    if (!got)
        got = file->operations->read(file, (u64)position, &to);
    file_put(file);
    return got;
}

// ---- several pieces --------------------------------------------------------------------------------

long file_vector(int fd, u64 pieces, u64 count, unsigned word, long (*move)(int, struct spans *))
{
    struct file *file = current_file(fd);
    struct spans spans;
    long done;

    if (!file)
        return -EBADF;
    file_put(file);
    done = spans_copy(&spans, pieces, count, word);
    if (done)
        return done;
    done = move(fd, &spans);
    spans_release(&spans);
    return done;
}

long sys_readv(int fd, u64 pieces, long count)
{
    return file_vector(fd, pieces, (u64)count, sizeof(u64), file_read);
}

long sys_writev(int fd, u64 pieces, long count)
{
    return file_vector(fd, pieces, (u64)count, sizeof(u64), file_write);
}

// ---- from file to file -----------------------------------------------------------------------------

// The bytes of a regular file are in memory as they are.
static long send(struct file *to, const struct file *from, u64 position, size_t size)
{
    const struct node *node = from->node;
    u64 there = position < node->size ? node->size - position : 0;
    const struct span span = { (u64)node->data + position, size < there ? size : there };
    struct spans spans = spans_kernel(&span);

    return span.size ? to->operations->write(to, &spans) : 0;
}

static int check_send(const struct file *to, const struct file *from)
{
    if (!from || !file_readable(from) || !to || !file_writable(to))
        return -EBADF;
    if (node_kind(from->node) != S_IFREG || !to->operations->write || to->flags & O_APPEND)
        return -EINVAL;
    return 0;
}

long file_send(int to, int from, u64 *position, size_t size)
{
    struct file *source = current_file(from), *sink = current_file(to);
    u64 *at = position ? position : source ? &source->position : NULL;
    long sent = check_send(sink, source);

    if (!sent && (long)*at < 0)
        sent = -EINVAL;
    if (!sent)
        sent = send(sink, source, *at, size < BYTES_MOST ? size : BYTES_MOST);
    if (sent > 0)
        *at += (u64)sent;
    file_put(source);
    file_put(sink);
    return sent;
}

long sys_sendfile(int to, int from, u64 position, size_t size)
{
    u64 at;
    long sent;

    if (!position)
        return file_send(to, from, NULL, size);
    if (user_get64(position, &at))
        return -EFAULT;
    sent = file_send(to, from, &at, size);
    return user_put64(position, at) ? -EFAULT : sent;
}
