// The kernel's own tests: the system calls that read and write, and those of descriptors.

#include <arch/serial.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/caller.h>
#include <kernel/time.h>

TEST(file_read)
{
    caller_begin("");
    report_error(caller_open("/box/motd", O_RDONLY), 3, "open");
    report_error(sys_read(3, DATA, 7), 7, "a part");
    caller_expect(DATA, "Welcome", "a part");
    report_error(sys_read(3, NOTHING - 3, 7), -EFAULT, "to a page that cannot be written");
    report_error(sys_lseek(3, 0, SEEK_CUR), 7, "the position then");
    report_error(sys_read(3, READ_ONLY - 3, 7), 3, "to a page's end, behind which it cannot be");
    report_error(sys_lseek(3, 0, SEEK_CUR), 10, "the position then");
    report_error(sys_read(3, DATA, 1000), 11, "the rest");
    report_error(sys_read(3, DATA, 1000), 0, "at the end");
    report_error(sys_read(3, NOT_ITS, 1), -EFAULT, "to the kernel, even at the end");
    report_error(sys_read(3, DATA, ~0ul), -EFAULT, "more than a program can have");
    report_error(sys_read(9, NOT_ITS, 1), -EBADF, "from what is not open");
    report_error(sys_write(3, DATA, 1), -EBADF, "writing to what is open for reading");
    report_error(sys_pread64(3, DATA, 10, 11), 10, "pread64");
    caller_expect(DATA, "Gatehouse\n", "pread64");
    report_error(sys_pread64(3, DATA, 10, -1), -EINVAL, "pread64 from before the file");
    report_error(sys_pread64(3, DATA, 10, INT64_MAX), 0, "pread64 from far behind it");
    report_error(sys_pread64(1, DATA, 10, 0), -ESPIPE, "pread64 from a pipe");
    report_error(caller_open("/box", O_RDONLY), 4, "open a directory");
    report_error(sys_read(4, DATA, 10), -EISDIR, "reading it");
    caller_end();
}

TEST(file_seek)
{
    const struct {
        long offset;
        unsigned whence;
        long result;
    } rows[] = {
        { 5, SEEK_SET, 5 },
        { 2, SEEK_CUR, 7 },
        { -7, SEEK_CUR, 0 },
        { -1, SEEK_CUR, -EINVAL },
        { -1, SEEK_END, 20 },
        { 100, SEEK_END, 121 },
        { INT64_MAX, SEEK_SET, INT64_MAX },
        { 1, SEEK_CUR, -EINVAL },
        { 1, SEEK_END + 3, -EINVAL },
        { 20, SEEK_DATA, 20 },
        { 21, SEEK_DATA, -ENXIO },
        { 0, SEEK_HOLE, 21 },
        { -1, SEEK_HOLE, -ENXIO },
    };

    caller_begin("");
    caller_open("/box/motd", O_RDONLY);
    for (size_t i = 0; i < array_length(rows); i++)
        report_error(sys_lseek(3, rows[i].offset, rows[i].whence), rows[i].result, "lseek(%ld, %u)",
                     rows[i].offset, rows[i].whence);
    report_error(sys_lseek(1, 0, SEEK_SET), -ESPIPE, "in a pipe");
    report_error(sys_lseek(9, 0, SEEK_SET), -EBADF, "in nothing");
    caller_end();
}

// Puts an iovec of these two pieces behind the paths.
static u64 pieces(u64 start, u64 size, u64 next, u64 next_size)
{
    const struct span spans[] = { { start, size }, { next, next_size } };

    report_count(copy_to_user(PATHS + 64, spans, sizeof(spans)), 0, "bytes not copied");
    return PATHS + 64;
}

TEST(file_vectors)
{
    const u64 huge = 1ul << 63;
    size_t size;

    caller_begin("typed");
    caller_open("/box/motd", O_RDONLY);
    report_error(sys_readv(3, pieces(DATA, 3, DATA + 100, 4), 2), 7, "readv");
    caller_expect(DATA, "Wel", "the first piece");
    caller_expect(DATA + 100, "come", "the second");
    report_error(sys_readv(3, pieces(READ_ONLY - 1, 1, READ_ONLY, 4), 2), 1,
                 "the second cannot be written");
    report_error(sys_readv(3, pieces(DATA, 0, DATA, 1), 2), 1, "the first is empty");
    caller_expect(DATA, "t", "the position was right");
    report_error(sys_writev(1, pieces(READ_ONLY, 0, DATA, 1), 2), 1, "writev");
    report(!memcmp(caller_written(&size), "t", 1) && size == 1, "what was written");
    report_error(sys_writev(1, pieces(DATA, 1, NOTHING, 1), 2), 1, "the second cannot be read");
    report_error(sys_readv(1, pieces(DATA, 2, DATA + 9, 9), 2), 5, "readv from a pipe");
    caller_expect(DATA + 9, "ped", "the second piece of it");
    report_error(sys_writev(1, pieces(DATA, 1, DATA, huge), 2), -EINVAL, "a negative size");
    report_error(sys_writev(1, pieces(NOT_ITS, 1, DATA, huge), 2), -EFAULT, "the kernel's first");
    report_error(sys_writev(1, NOTHING, 1), -EFAULT, "an iovec that is not there");
    report_error(sys_writev(1, NOTHING, 0), 0, "none of no pieces");
    report_error(sys_writev(1, DATA, SPANS_MOST + 1), -EINVAL, "too many");
    report_error(sys_writev(1, DATA, -1), -EINVAL, "-1 of them");
    report_error(sys_writev(9, NOTHING, 1), -EBADF, "to what is not open");
    report_count((caller_written(&size), size), 2, "bytes written in all");
    caller_end();
}

TEST(file_write)
{
    size_t size;

    caller_begin("");
    memset(caller_seen, '.', PAGE_SIZE);
    copy_to_user(DATA, caller_seen, PAGE_SIZE);
    report_error(sys_write(1, DATA, 1000), 1000, "to a pipe");
    report_error(sys_write(1, NOTHING - 5, 10), 5, "what can only be read in part, to a pipe");
    report_error(sys_write(1, NOTHING, 1), -EFAULT, "what cannot be read");
    report_error(sys_write(1, NOT_ITS, 1), -EFAULT, "the kernel's memory");
    report_count((caller_written(&size), size), 1005, "bytes written");
    report_error(sys_write(2, NOTHING - 5, 10), -EFAULT, "in part, to the terminal");
    report_error(sys_write(2, NOTHING, 0), 0, "nothing, to the terminal");
    report_error(caller_open("/dev/null", O_WRONLY), 3, "/dev/null");
    report_error(sys_write(3, NOTHING, 10), 10, "what nobody looks at");
    report_error(sys_read(3, DATA, 1), -EBADF, "reading what is open for writing");
    report_error(caller_open("/dev/zero", O_RDONLY), 4, "/dev/zero");
    report_error(sys_read(4, DATA + 1, 2 * PAGE_SIZE), 2 * PAGE_SIZE - 1, "zeroes");
    report_equal(*caller_memory(DATA + 1, 1), 0, "one of them");
    report_error(sys_read(4, READ_ONLY, 1), -EFAULT, "zeroes to what cannot be written");
    report_error(sys_lseek(4, 5, SEEK_END), 0, "a place in /dev/zero");
    caller_end();
}

TEST(file_send)
{
    size_t size;

    caller_begin("");
    caller_open("/box/motd", O_RDONLY);
    report_error(sys_sendfile(1, 3, 0, 8), 8, "sendfile");
    report_error(sys_sendfile(1, 3, 0, 1000), 13, "the rest");
    report_error(sys_sendfile(1, 3, 0, 1000), 0, "at the end");
    report(!memcmp(caller_written(&size), "Welcome to Gatehouse\n", 21) && size == 21,
           "what was sent");
    report_error(user_put64(DATA, 11), 0, "a position");
    report_error(sys_sendfile(1, 3, DATA, 5), 5, "from there");
    report_equal(*(const u64 *)caller_memory(DATA, 8), 16, "the position then");
    report_error(sys_lseek(3, 0, SEEK_CUR), 21, "the file's own");
    report_error(sys_sendfile(1, 3, NOTHING, 5), -EFAULT, "from a position that is not there");
    report_error(sys_sendfile(1, 2, 0, 5), -EINVAL, "from the terminal");
    report_error(sys_sendfile(3, 3, 0, 5), -EBADF, "to what cannot be written");
    report_error(sys_sendfile(1, 9, 0, 5), -EBADF, "from what is not open");
    caller_end();
}

TEST(file_descriptors)
{
    enum { DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC = 1030 };

    caller_begin("");
    caller_open("/box/motd", O_RDONLY);
    report_error(sys_dup(3), 4, "dup");
    report_error(sys_read(4, DATA, 5), 5, "reading by the copy");
    report_error(sys_lseek(3, 0, SEEK_CUR), 5, "they share their position");
    report_error(sys_dup2(3, 10), 10, "dup2");
    report_error(sys_dup2(3, 3), 3, "dup2 to itself");
    report_error(sys_dup2(9, 9), -EBADF, "dup2 of nothing to itself");
    report_error(sys_dup2(3, FILES_MOST), -EBADF, "dup2 to more than there can be");
    report_error(sys_dup3(3, 3, 0), -EINVAL, "dup3 to itself");
    report_error(sys_dup3(3, 5, O_APPEND), -EINVAL, "dup3 with a wrong flag");
    report_error(sys_dup3(3, 4, O_CLOEXEC), 4, "dup3 to what is open");
    report_error(sys_fcntl(4, GETFD, 0), 1, "its FD_CLOEXEC");
    report_error(sys_fcntl(10, GETFD, 0), 0, "that of another one");
    report_error(sys_fcntl(10, SETFD, 1), 0, "setting it");
    report_error(sys_fcntl(10, GETFD, 0), 1, "it is set");
    report_error(sys_fcntl(3, DUPFD, 5), 5, "F_DUPFD");
    report_error(sys_fcntl(3, DUPFD_CLOEXEC, 5), 6, "F_DUPFD_CLOEXEC");
    report_error(sys_fcntl(3, DUPFD, FILES_MOST), -EINVAL, "F_DUPFD from too high on");
    report_error(sys_fcntl(3, SETFL, O_NONBLOCK | O_RDWR), 0, "F_SETFL");
    report_error(sys_fcntl(5, GETFL, 0), O_LARGEFILE | O_NONBLOCK, "F_GETFL of its copy");
    report_error(sys_fcntl(3, 99, 0), -EINVAL, "an unknown command");
    report_error(sys_fcntl(9, 99, 0), -EBADF, "the same for nothing");
    report_error(sys_close(9), -EBADF, "closing nothing");
    report_error(sys_close(-1), -EBADF, "closing -1");
    report_error(sys_ioctl(2, 0x5401, DATA), 0, "TCGETS of the terminal");
    report_error(sys_ioctl(2, 0x5404, DATA), 0, "TCSETSF of what it is");
    report_error(sys_ioctl(2, 0x5402, NOTHING - 8), -EFAULT, "TCSETS from a bad address");
    report_error(sys_ioctl(2, 0x540f, DATA), -ENOTTY, "TIOCGPGRP: there are no jobs");
    report_error(sys_ioctl(2, 0x5413, READ_ONLY), -EFAULT, "its size to a bad address");
    report_error(sys_ioctl(1, 0x5401, DATA), -ENOTTY, "TCGETS of a pipe");
    report_error(sys_ioctl(9, 0x5401, DATA), -EBADF, "TCGETS of nothing");
    caller_end();
}

TEST(file_poll)
{
    struct {
        int fd;
        u16 wanted, found;
    } entries[] = { { 1, 1, 0 }, { 9, 1, 0 }, { -1, 5, 7 }, { 2, 4, 0 } };
    u64 before;

    caller_begin("");
    copy_to_user(DATA, entries, sizeof(entries));
    report_error(sys_poll(DATA, array_length(entries), -1), 3, "poll");
    copy_from_user(entries, DATA, sizeof(entries));
    report_equal(entries[0].found, 1, "a pipe, to be read");
    report_equal(entries[1].found, 0x20, "nothing");
    report_equal(entries[2].found, 0, "no descriptor");
    report_equal(entries[3].found, 4, "the terminal, to be written");
    entries[0].fd = 2;
    copy_to_user(DATA, entries, sizeof(*entries));
    before = time_ns();
    report_error(sys_poll(DATA, 1, 20), 0, "the terminal, where nobody types");
    report(time_ns() - before >= 20 * MILLISECOND, "it has waited");
    report_error(sys_poll(DATA, 1, 0), 0, "without waiting");
    report_error(sys_poll(READ_ONLY, 1, 0), -EFAULT, "entries that cannot be written");
    report_error(sys_poll(DATA, FILES_MOST + 1, 0), -EINVAL, "too many");
    caller_end();
    serial_receive_stop();
}
