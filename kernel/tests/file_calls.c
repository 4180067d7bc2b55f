// The kernel's own tests: the system calls of files, made as a program's would be, with its memory.

#include <arch/layout.h>
#include <arch/serial.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/file_layouts.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/initramfs.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/archive.h>
#include <kernel/time.h>

// A program's memory: pages that it may write, one that it may only read, and nothing behind that.
#define MEMORY    0x10000ul
#define PATHS     MEMORY
#define DATA      (MEMORY + PAGE_SIZE)
#define READ_ONLY (MEMORY + 3 * PAGE_SIZE)
#define NOTHING   (MEMORY + 4 * PAGE_SIZE)
#define NOT_ITS   0xffff888000000000ul

static struct task *task;
static const struct node *last;
static struct file *capture;
static char seen[PAGE_SIZE];

// What capture_text says.
static const char *written(size_t *size)
{
    bool lost;

    return capture_text(capture, size, &lost);
}

static void begin(const char *input)
{
    const struct region regions[] = {
        { .start = MEMORY, .end = READ_ONLY, .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE },
        { .start = READ_ONLY, .end = NOTHING, .rights = ACCESS_USER | ACCESS_READ },
    };
    const char *problem;
    size_t at;

    archive_size = 0;
    archive_put("box", S_IFDIR | 0755, "");
    archive_put("box/motd", S_IFREG | 0644, "Welcome to Gatehouse\n");
    archive_put("box/tool", S_IFREG | 0755, "#!");
    archive_put("box/link", S_IFLNK | 0777, "motd");
    archive_put("box/dangling", S_IFLNK | 0777, "missing");
    archive_put("box/sub", S_IFDIR | 0755, "");
    archive_end();
    last = root_tree.newest;
    report_error(initramfs_add(&root_tree, archive, archive_size, &problem, &at), 0, "an archive");
    task = process_new("the program");
    capture = capture_new(input, strlen(input), 4096);
    capture->users++;
    files_set(task->process->files, 1, capture, false);
    for (size_t i = 0; i < array_length(regions); i++)
        report_error(region_add(task->space, &regions[i]), 0, "memory");
    this_cpu()->current = task;
    space_switch(task->space);
}

static void end(void)
{
    space_switch(&kernel_space);
    this_cpu()->current = NULL;
    process_free(task);
    file_put(capture);
    tree_cut(&root_tree, last);
}

// The address of this path in the program's memory.
static u64 path(const char *text)
{
    report_count(copy_to_user(PATHS, text, strlen(text) + 1), 0, "bytes of a path not copied");
    return PATHS;
}

static long open(const char *name, int flags)
{
    return sys_open(path(name), flags, 0644);
}

static const char *memory_at(u64 address, size_t size)
{
    report_count(copy_from_user(seen, address, size), 0, "bytes not copied back");
    return seen;
}

static void expect_bytes(u64 address, const char *text, const char *what)
{
    report(!memcmp(memory_at(address, strlen(text)), text, strlen(text)), "%s: the bytes", what);
}

TEST(file_open)
{
    enum { CREATE = O_CREAT, NEW = O_CREAT | O_EXCL };
    const struct {
        const char *path;
        int flags, result;
    } rows[] = {
        { "/box/motd", O_RDONLY, 3 },
        { "box/motd", O_RDONLY, 3 },
        { "/box/link", O_RDONLY, 3 },
        { "/box", O_RDONLY, 3 },
        { "/box/", O_RDONLY | O_DIRECTORY, 3 },
        { "/dev/null", O_RDWR | CREATE | O_TRUNC, 3 },
        { "/box/motd", CREATE, 3 },
        { "", O_RDONLY, -ENOENT },
        { "/none", O_RDONLY, -ENOENT },
        { "/none/none", CREATE, -ENOENT },
        { "/none", CREATE | O_WRONLY, -EROFS },
        { "/none/", CREATE, -EISDIR },
        { "/box/dangling", O_RDONLY, -ENOENT },
        { "/box/dangling", CREATE, -EROFS },
        { "/box/dangling", NEW, -EEXIST },
        { "/box/motd", NEW, -EEXIST },
        { "/box/motd", O_WRONLY, -EROFS },
        { "/box/motd", O_RDWR, -EROFS },
        { "/box/motd", O_TRUNC, -EROFS },
        { "/box/motd/", O_RDONLY, -ENOTDIR },
        { "/box/motd/x", O_RDONLY, -ENOTDIR },
        { "/box/motd", O_DIRECTORY, -ENOTDIR },
        { "/box/link", O_NOFOLLOW, -ELOOP },
        { "/box/link", O_NOFOLLOW | O_DIRECTORY, -ENOTDIR },
        { "/box", O_WRONLY, -EISDIR },
        { "/box", CREATE, -EISDIR },
        { "/box", O_TRUNC, -EISDIR },
    };

    begin("");
    for (size_t i = 0; i < array_length(rows); i++) {
        report_error(open(rows[i].path, rows[i].flags), rows[i].result, "open(\"%s\", 0%o)",
                     rows[i].path, (unsigned)rows[i].flags);
        sys_close(3);
    }
    report_error(sys_open(0, O_RDONLY, 0), -EFAULT, "a path at NULL");
    report_error(sys_open(NOT_ITS, O_RDONLY, 0), -EFAULT, "a path in the kernel");
    memset(seen, 'x', PAGE_SIZE);
    copy_to_user(PATHS, seen, PAGE_SIZE);
    report_error(sys_open(PATHS, O_RDONLY, 0), -ENAMETOOLONG, "a path without an end");
    report_error(sys_open(PATHS + 1, O_RDONLY, 0), -ENAMETOOLONG, "a path of 4096 bytes and more");
    for (long fd = 0; fd >= 0; fd = open("/box/motd", O_RDONLY))
        report(fd <= FILES_MOST, "descriptor %ld", fd);
    report_error(open("/none", O_RDONLY), -EMFILE, "when all descriptors are taken");
    end();
}

TEST(file_openat)
{
    long box;

    begin("");
    box = open("/box", O_RDONLY | O_CLOEXEC);
    report_error(sys_openat((int)box, path("motd"), O_RDONLY, 0), 4, "a file in it");
    report_error(sys_openat(4, path("motd"), O_RDONLY, 0), -ENOTDIR, "in a file");
    report_error(sys_openat(9, path("motd"), O_RDONLY, 0), -EBADF, "in what is not open");
    report_error(sys_openat(9, path("/box/motd"), O_RDONLY, 0), 5, "by an absolute path");
    report_error(sys_fcntl((int)box, 1, 0), 1, "FD_CLOEXEC of the first");
    report_error(sys_fcntl((int)box, 3, 0), O_LARGEFILE, "its flags");
    report_error(sys_fchdir((int)box), 0, "fchdir");
    report_error(sys_openat(AT_FDCWD, path("motd"), O_RDONLY, 0), 6, "in the current directory");
    end();
}

TEST(file_read)
{
    begin("");
    report_error(open("/box/motd", O_RDONLY), 3, "open");
    report_error(sys_read(3, DATA, 7), 7, "a part");
    expect_bytes(DATA, "Welcome", "a part");
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
    expect_bytes(DATA, "Gatehouse\n", "pread64");
    report_error(sys_pread64(3, DATA, 10, -1), -EINVAL, "pread64 from before the file");
    report_error(sys_pread64(3, DATA, 10, INT64_MAX), 0, "pread64 from far behind it");
    report_error(sys_pread64(1, DATA, 10, 0), -ESPIPE, "pread64 from a pipe");
    report_error(open("/box", O_RDONLY), 4, "open a directory");
    report_error(sys_read(4, DATA, 10), -EISDIR, "reading it");
    end();
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

    begin("");
    open("/box/motd", O_RDONLY);
    for (size_t i = 0; i < array_length(rows); i++)
        report_error(sys_lseek(3, rows[i].offset, rows[i].whence), rows[i].result, "lseek(%ld, %u)",
                     rows[i].offset, rows[i].whence);
    report_error(sys_lseek(1, 0, SEEK_SET), -ESPIPE, "in a pipe");
    report_error(sys_lseek(9, 0, SEEK_SET), -EBADF, "in nothing");
    end();
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

    begin("typed");
    open("/box/motd", O_RDONLY);
    report_error(sys_readv(3, pieces(DATA, 3, DATA + 100, 4), 2), 7, "readv");
    expect_bytes(DATA, "Wel", "the first piece");
    expect_bytes(DATA + 100, "come", "the second");
    report_error(sys_readv(3, pieces(READ_ONLY - 1, 1, READ_ONLY, 4), 2), 1,
                 "the second cannot be written");
    report_error(sys_readv(3, pieces(DATA, 0, DATA, 1), 2), 1, "the first is empty");
    expect_bytes(DATA, "t", "the position was right");
    report_error(sys_writev(1, pieces(READ_ONLY, 0, DATA, 1), 2), 1, "writev");
    report(!memcmp(written(&size), "t", 1) && size == 1, "what was written");
    report_error(sys_writev(1, pieces(DATA, 1, NOTHING, 1), 2), 1, "the second cannot be read");
    report_error(sys_readv(1, pieces(DATA, 2, DATA + 9, 9), 2), 5, "readv from a pipe");
    expect_bytes(DATA + 9, "ped", "the second piece of it");
    report_error(sys_writev(1, pieces(DATA, 1, DATA, huge), 2), -EINVAL, "a negative size");
    report_error(sys_writev(1, pieces(NOT_ITS, 1, DATA, huge), 2), -EFAULT, "the kernel's first");
    report_error(sys_writev(1, NOTHING, 1), -EFAULT, "an iovec that is not there");
    report_error(sys_writev(1, NOTHING, 0), 0, "none of no pieces");
    report_error(sys_writev(1, DATA, SPANS_MOST + 1), -EINVAL, "too many");
    report_error(sys_writev(1, DATA, -1), -EINVAL, "-1 of them");
    report_error(sys_writev(9, NOTHING, 1), -EBADF, "to what is not open");
    report_count((written(&size), size), 2, "bytes written in all");
    end();
}

TEST(file_write)
{
    size_t size;

    begin("");
    memset(seen, '.', PAGE_SIZE);
    copy_to_user(DATA, seen, PAGE_SIZE);
    report_error(sys_write(1, DATA, 1000), 1000, "to a pipe");
    report_error(sys_write(1, NOTHING - 5, 10), 5, "what can only be read in part, to a pipe");
    report_error(sys_write(1, NOTHING, 1), -EFAULT, "what cannot be read");
    report_error(sys_write(1, NOT_ITS, 1), -EFAULT, "the kernel's memory");
    report_count((written(&size), size), 1005, "bytes written");
    report_error(sys_write(2, NOTHING - 5, 10), -EFAULT, "in part, to the terminal");
    report_error(sys_write(2, NOTHING, 0), 0, "nothing, to the terminal");
    report_error(open("/dev/null", O_WRONLY), 3, "/dev/null");
    report_error(sys_write(3, NOTHING, 10), 10, "what nobody looks at");
    report_error(sys_read(3, DATA, 1), -EBADF, "reading what is open for writing");
    report_error(open("/dev/zero", O_RDONLY), 4, "/dev/zero");
    report_error(sys_read(4, DATA + 1, 2 * PAGE_SIZE), 2 * PAGE_SIZE - 1, "zeroes");
    report_equal(*memory_at(DATA + 1, 1), 0, "one of them");
    report_error(sys_read(4, READ_ONLY, 1), -EFAULT, "zeroes to what cannot be written");
    report_error(sys_lseek(4, 5, SEEK_END), 0, "a place in /dev/zero");
    end();
}

TEST(file_send)
{
    size_t size;

    begin("");
    open("/box/motd", O_RDONLY);
    report_error(sys_sendfile(1, 3, 0, 8), 8, "sendfile");
    report_error(sys_sendfile(1, 3, 0, 1000), 13, "the rest");
    report_error(sys_sendfile(1, 3, 0, 1000), 0, "at the end");
    report(!memcmp(written(&size), "Welcome to Gatehouse\n", 21) && size == 21, "what was sent");
    report_error(user_put64(DATA, 11), 0, "a position");
    report_error(sys_sendfile(1, 3, DATA, 5), 5, "from there");
    report_equal(*(const u64 *)memory_at(DATA, 8), 16, "the position then");
    report_error(sys_lseek(3, 0, SEEK_CUR), 21, "the file's own");
    report_error(sys_sendfile(1, 3, NOTHING, 5), -EFAULT, "from a position that is not there");
    report_error(sys_sendfile(1, 2, 0, 5), -EINVAL, "from the terminal");
    report_error(sys_sendfile(3, 3, 0, 5), -EBADF, "to what cannot be written");
    report_error(sys_sendfile(1, 9, 0, 5), -EBADF, "from what is not open");
    end();
}

TEST(file_descriptors)
{
    enum { DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC = 1030 };

    begin("");
    open("/box/motd", O_RDONLY);
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
    report_error(sys_ioctl(2, 0x5413, READ_ONLY), -EFAULT, "its size to a bad address");
    report_error(sys_ioctl(1, 0x5401, DATA), -ENOTTY, "TCGETS of a pipe");
    report_error(sys_ioctl(9, 0x5401, DATA), -EBADF, "TCGETS of nothing");
    end();
}

TEST(file_status)
{
    const struct stat *stat = (const struct stat *)seen;

    begin("");
    report_error(sys_stat(path("/box/link"), DATA), 0, "stat of a link");
    memory_at(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFREG | 0644, "the mode of what it leads to");
    report_count(stat->size, 21, "size");
    report_count(stat->blocks, 8, "blocks");
    report_count(stat->links, 1, "names");
    report_count(stat->owner, 1000, "owner");
    report_count(stat->modified, 1234567890, "when it was written");
    report_error(sys_lstat(path("/box/link"), DATA), 0, "lstat");
    memory_at(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFLNK | 0777, "the mode of the link");
    report_error(sys_newfstatat(AT_FDCWD, path("box"), DATA, 0), 0, "newfstatat");
    report_count(((const struct stat *)memory_at(DATA, sizeof(*stat)))->links, 3, "names of /box");
    report_error(sys_fstat(2, DATA), 0, "fstat of the terminal");
    memory_at(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFCHR | 0600, "its mode");
    report_equal(stat->special, 0x501, "its number");
    report_error(sys_newfstatat(1, path(""), DATA, AT_EMPTY_PATH), 0, "newfstatat of a descriptor");
    report_equal(((const struct stat *)memory_at(DATA, sizeof(*stat)))->mode, S_IFIFO | 0600,
                 "the mode of a pipe");
    report_error(sys_newfstatat(1, path(""), DATA, 0), -ENOENT, "an empty path");
    report_error(sys_newfstatat(1, path("x"), DATA, AT_EMPTY_PATH), -ENOTDIR, "a path from a pipe");
    report_error(sys_newfstatat(1, path("/"), DATA, 1), -EINVAL, "an unknown flag");
    report_error(sys_fstat(9, DATA), -EBADF, "fstat of nothing");
    report_error(sys_stat(path("/"), READ_ONLY - 100), -EFAULT, "stat to a bad address");
    report_error(sys_access(path("/box/motd"), 4), 0, "reading /box/motd");
    report_error(sys_access(path("/box/motd"), 2), -EROFS, "writing it");
    report_error(sys_access(path("/box/motd"), 1), -EACCES, "executing it");
    report_error(sys_access(path("/box/tool"), 1), 0, "executing /box/tool");
    report_error(sys_access(path("/dev/null"), 6), 0, "reading and writing /dev/null");
    report_error(sys_access(path("/none"), 0), -ENOENT, "a file that is not there");
    report_error(sys_access(path("/"), 8), -EINVAL, "an unknown mode");
    report_error(sys_faccessat2(AT_FDCWD, path("box/dangling"), 0, AT_SYMLINK_NOFOLLOW), 0,
                 "a link that leads nowhere");
    end();
}

// The next entry of the directory that is open as 3, read alone.
static const struct directory_entry *next_entry(void)
{
    long size = sys_getdents64(3, DATA, 32);

    return size > 0 ? (const struct directory_entry *)memory_at(DATA, (size_t)size) : NULL;
}

TEST(file_directories)
{
    unsigned entries = 0, directories = 0, links = 0;
    const struct directory_entry *entry;
    long all;

    begin("");
    open("/box", O_RDONLY);
    report_error(sys_getdents64(3, DATA, 23), -EINVAL, "no room for one entry");
    report_error(sys_getdents64(3, READ_ONLY, 100), -EFAULT, "to a bad address");
    for (; (entry = next_entry()); entries++) {
        directories += entry->kind == 4;
        links += entry->kind == 10;
        report_count(entry->next, entries + 1, "position behind %s", entry->name);
        report_equal(entry->size % 8, 0, "size of %s", entry->name);
    }
    report_count(entries, 7, "entries");
    report_count(directories, 3, "directories");
    report_count(links, 2, "links");
    report_error(sys_getdents64(3, DATA, 100), 0, "behind the last");
    report_error(sys_lseek(3, 0, SEEK_SET), 0, "back to the first");
    all = sys_getdents64(3, DATA, 1000);
    report_error(sys_lseek(3, 0, SEEK_SET), 0, "back to the first");
    report_error(sys_getdents64(3, READ_ONLY - (u64)all + 1, 1000), all - 24,
                 "all but the last, which cannot be written");
    report_error(sys_lseek(3, 0, SEEK_END), -EINVAL, "a directory has no end");
    report_error(sys_getdents64(1, DATA, 100), -ENOTDIR, "of a pipe");
    report_error(sys_getdents64(9, DATA, 100), -EBADF, "of nothing");

    report_error(sys_getcwd(DATA, 100), 2, "getcwd");
    expect_bytes(DATA, "/", "getcwd");
    report_error(sys_chdir(path("box/./sub/")), 0, "chdir");
    report_error(sys_getcwd(DATA, 9), 9, "getcwd, with just enough room");
    expect_bytes(DATA, "/box/sub", "getcwd");
    report_error(sys_getcwd(DATA, 8), -ERANGE, "getcwd, with too little");
    report_error(sys_getcwd(READ_ONLY, 100), -EFAULT, "getcwd to a bad address");
    report_error(sys_chdir(path("../motd")), -ENOTDIR, "chdir to a file");
    report_error(sys_chdir(path("../none")), -ENOENT, "chdir to nothing");
    report_error(sys_fchdir(1), -ENOTDIR, "fchdir to a pipe");
    report_error(sys_stat(path("../motd"), DATA), 0, "a path from there");
    end();
}

TEST(file_links)
{
    begin("");
    report_error(sys_readlink(path("/box/link"), DATA, 100), 4, "readlink");
    expect_bytes(DATA, "motd", "readlink");
    report_error(sys_readlink(path("/box/link"), DATA, 2), 2, "with little room");
    report_error(sys_readlink(path("/box/link"), DATA, 0), -EINVAL, "with none");
    report_error(sys_readlink(path("/box/link"), READ_ONLY, 9), -EFAULT, "to a bad address");
    report_error(sys_readlink(path("/box/motd"), DATA, 9), -EINVAL, "of a file");
    report_error(sys_readlink(path("/none"), DATA, 9), -ENOENT, "of nothing");
    report_error(sys_readlink(path("/proc/self/exe"), DATA, 9), -ENOENT, "of no program's file");
    memcpy(task->process->exe, "/box/tool", 10);
    report_error(sys_readlink(path("/proc/self/exe"), DATA, 100), 9, "of the program's file");
    expect_bytes(DATA, "/box/tool", "/proc/self/exe");
    report_error(open("/proc/self/exe", O_RDONLY), 3, "opening it");
    report_error(sys_read(3, DATA, 9), 2, "reading it");
    end();
}

TEST(file_poll)
{
    struct {
        int fd;
        u16 wanted, found;
    } entries[] = { { 1, 1, 0 }, { 9, 1, 0 }, { -1, 5, 7 }, { 2, 4, 0 } };
    u64 before;

    begin("");
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
    end();
    serial_receive_stop();
}

#define ANY_ADDRESS addresses[test_random() % array_length(addresses)]
#define ANY_FD      ((int)(test_random() % 12) - 2)
#define ANY_SIZE    (test_random() % 8 ? test_random() % 64 : test_random())

static void any_call(void)
{
    static const u64 addresses[] = { 0,           PATHS,   DATA,    READ_ONLY - 3,
                                     NOTHING - 3, NOTHING, NOT_ITS, ~0ul };

    switch (test_random() % 15) {
    case 0:
        sys_read(ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 1:
        sys_write(ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 2:
        sys_openat(ANY_FD, ANY_ADDRESS, (int)test_random(), 0);
        break;
    case 3:
        sys_close(ANY_FD);
        break;
    case 4:
        sys_newfstatat(ANY_FD, ANY_ADDRESS, ANY_ADDRESS, test_random() & 0x1100);
        break;
    case 5:
        sys_readv(ANY_FD, ANY_ADDRESS, (long)ANY_SIZE);
        break;
    case 6:
        sys_writev(ANY_FD, ANY_ADDRESS, (long)ANY_SIZE);
        break;
    case 7:
        sys_lseek(ANY_FD, (long)ANY_SIZE, (u32)test_random() % 8);
        break;
    case 8:
        sys_getdents64(ANY_FD, ANY_ADDRESS, (u32)ANY_SIZE);
        break;
    case 9:
        sys_fcntl(ANY_FD, (u32)test_random() % 6, ANY_SIZE);
        break;
    case 10:
        sys_dup3(ANY_FD, ANY_FD, test_random() % 2 ? O_CLOEXEC : 0);
        break;
    case 11:
        sys_sendfile(ANY_FD, ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 12:
        sys_readlinkat(ANY_FD, ANY_ADDRESS, ANY_ADDRESS, (int)ANY_SIZE);
        break;
    case 13:
        sys_getcwd(ANY_ADDRESS, ANY_SIZE);
        break;
    case 14:
        sys_chdir(ANY_ADDRESS);
        break;
    }
}

// Whatever a program passes: no call brings the kernel down, and nothing is left. After the first rounds the heap
// has all that it keeps for the next.
TEST(file_nonsense)
{
    enum { ROUNDS = 6, CALLS = 4000 };
    size_t left[ROUNDS];

    for (unsigned round = 0; round < ROUNDS; round++) {
        begin("some input");
        open("/box", O_RDONLY);
        open("/box/motd", O_RDONLY);
        files_set(current_files(), 2, NULL,
                  false); // of the terminal: what is written would be seen,
        files_set(current_files(), 0, NULL, false); // and nobody types
        path("/box/../dev/null");
        for (unsigned i = 0; i < CALLS; i++)
            any_call();
        end();
        left[round] = pages_available();
    }
    report_count(left[ROUNDS - 1], left[ROUNDS / 2], "free pages after half of the rounds and all");
}
