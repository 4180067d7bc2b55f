// The kernel's own tests: the system calls that take paths, and those of directories.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/file_layouts.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/caller.h>

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

    caller_begin("");
    for (size_t i = 0; i < array_length(rows); i++) {
        report_error(caller_open(rows[i].path, rows[i].flags), rows[i].result, "open(\"%s\", 0%o)",
                     rows[i].path, (unsigned)rows[i].flags);
        sys_close(3);
    }
    report_error(sys_open(0, O_RDONLY, 0), -EFAULT, "a path at NULL");
    report_error(sys_open(NOT_ITS, O_RDONLY, 0), -EFAULT, "a path in the kernel");
    memset(caller_seen, 'x', PAGE_SIZE);
    copy_to_user(PATHS, caller_seen, PAGE_SIZE);
    report_error(sys_open(PATHS, O_RDONLY, 0), -ENAMETOOLONG, "a path without an end");
    report_error(sys_open(PATHS + 1, O_RDONLY, 0), -ENAMETOOLONG, "a path of 4096 bytes and more");
    for (long fd = 0; fd >= 0; fd = caller_open("/box/motd", O_RDONLY))
        report(fd <= FILES_MOST, "descriptor %ld", fd);
    report_error(caller_open("/none", O_RDONLY), -EMFILE, "when all descriptors are taken");
    caller_end();
}

TEST(file_openat)
{
    long box;

    caller_begin("");
    box = caller_open("/box", O_RDONLY | O_CLOEXEC);
    report_error(sys_openat((int)box, caller_path("motd"), O_RDONLY, 0), 4, "a file in it");
    report_error(sys_openat(4, caller_path("motd"), O_RDONLY, 0), -ENOTDIR, "in a file");
    report_error(sys_openat(9, caller_path("motd"), O_RDONLY, 0), -EBADF, "in what is not open");
    report_error(sys_openat(9, caller_path("/box/motd"), O_RDONLY, 0), 5, "by an absolute path");
    report_error(sys_fcntl((int)box, 1, 0), 1, "FD_CLOEXEC of the first");
    report_error(sys_fcntl((int)box, 3, 0), O_LARGEFILE, "its flags");
    report_error(sys_fchdir((int)box), 0, "fchdir");
    report_error(sys_openat(AT_FDCWD, caller_path("motd"), O_RDONLY, 0), 6,
                 "in the current directory");
    caller_end();
}

TEST(file_status)
{
    const struct stat *stat = (const struct stat *)caller_seen;

    caller_begin("");
    report_error(sys_stat(caller_path("/box/link"), DATA), 0, "stat of a link");
    caller_memory(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFREG | 0644, "the mode of what it leads to");
    report_count(stat->size, 21, "size");
    report_count(stat->blocks, 8, "blocks");
    report_count(stat->links, 1, "names");
    report_count(stat->owner, 1000, "owner");
    report_count(stat->modified, 1234567890, "when it was written");
    report_error(sys_lstat(caller_path("/box/link"), DATA), 0, "lstat");
    caller_memory(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFLNK | 0777, "the mode of the link");
    report_error(sys_newfstatat(AT_FDCWD, caller_path("box"), DATA, 0), 0, "newfstatat");
    report_count(((const struct stat *)caller_memory(DATA, sizeof(*stat)))->links, 3,
                 "names of /box");
    report_error(sys_fstat(2, DATA), 0, "fstat of the terminal");
    caller_memory(DATA, sizeof(*stat));
    report_equal(stat->mode, S_IFCHR | 0600, "its mode");
    report_equal(stat->special, 0x501, "its number");
    report_error(sys_newfstatat(1, caller_path(""), DATA, AT_EMPTY_PATH), 0,
                 "newfstatat of a descriptor");
    report_equal(((const struct stat *)caller_memory(DATA, sizeof(*stat)))->mode, S_IFIFO | 0600,
                 "the mode of a pipe");
    report_error(sys_newfstatat(1, caller_path(""), DATA, 0), -ENOENT, "an empty path");
    report_error(sys_newfstatat(1, caller_path("x"), DATA, AT_EMPTY_PATH), -ENOTDIR,
                 "a path from a pipe");
    report_error(sys_newfstatat(1, caller_path("/"), DATA, 1), -EINVAL, "an unknown flag");
    report_error(sys_fstat(9, DATA), -EBADF, "fstat of nothing");
    report_error(sys_stat(caller_path("/"), READ_ONLY - 100), -EFAULT, "stat to a bad address");
    report_error(sys_access(caller_path("/box/motd"), 4), 0, "reading /box/motd");
    report_error(sys_access(caller_path("/box/motd"), 2), -EROFS, "writing it");
    report_error(sys_access(caller_path("/box/motd"), 1), -EACCES, "executing it");
    report_error(sys_access(caller_path("/box/tool"), 1), 0, "executing /box/tool");
    report_error(sys_access(caller_path("/dev/null"), 6), 0, "reading and writing /dev/null");
    report_error(sys_access(caller_path("/none"), 0), -ENOENT, "a file that is not there");
    report_error(sys_access(caller_path("/"), 8), -EINVAL, "an unknown mode");
    report_error(sys_faccessat2(AT_FDCWD, caller_path("box/dangling"), 0, AT_SYMLINK_NOFOLLOW), 0,
                 "a link that leads nowhere");
    caller_end();
}

// The next entry of the directory that is open as 3, read alone.
static const struct directory_entry *next_entry(void)
{
    long size = sys_getdents64(3, DATA, 32);

    return size > 0 ? (const struct directory_entry *)caller_memory(DATA, (size_t)size) : NULL;
}

TEST(file_directories)
{
    unsigned entries = 0, directories = 0, links = 0;
    const struct directory_entry *entry;
    long all;

    caller_begin("");
    caller_open("/box", O_RDONLY);
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
    caller_expect(DATA, "/", "getcwd");
    report_error(sys_chdir(caller_path("box/./sub/")), 0, "chdir");
    report_error(sys_getcwd(DATA, 9), 9, "getcwd, with just enough room");
    caller_expect(DATA, "/box/sub", "getcwd");
    report_error(sys_getcwd(DATA, 8), -ERANGE, "getcwd, with too little");
    report_error(sys_getcwd(READ_ONLY, 100), -EFAULT, "getcwd to a bad address");
    report_error(sys_chdir(caller_path("../motd")), -ENOTDIR, "chdir to a file");
    report_error(sys_chdir(caller_path("../none")), -ENOENT, "chdir to nothing");
    report_error(sys_fchdir(1), -ENOTDIR, "fchdir to a pipe");
    report_error(sys_stat(caller_path("../motd"), DATA), 0, "a path from there");
    caller_end();
}

TEST(file_links)
{
    caller_begin("");
    report_error(sys_readlink(caller_path("/box/link"), DATA, 100), 4, "readlink");
    caller_expect(DATA, "motd", "readlink");
    report_error(sys_readlink(caller_path("/box/link"), DATA, 2), 2, "with little room");
    report_error(sys_readlink(caller_path("/box/link"), DATA, 0), -EINVAL, "with none");
    report_error(sys_readlink(caller_path("/box/link"), READ_ONLY, 9), -EFAULT, "to a bad address");
    report_error(sys_readlink(caller_path("/box/motd"), DATA, 9), -EINVAL, "of a file");
    report_error(sys_readlink(caller_path("/none"), DATA, 9), -ENOENT, "of nothing");
    report_error(sys_readlink(caller_path("/proc/self/exe"), DATA, 9), -ENOENT,
                 "of no program's file");
    memcpy(this_cpu()->current->process->exe, "/box/tool", 10);
    report_error(sys_readlink(caller_path("/proc/self/exe"), DATA, 100), 9,
                 "of the program's file");
    caller_expect(DATA, "/box/tool", "/proc/self/exe");
    report_error(caller_open("/proc/self/exe", O_RDONLY), 3, "opening it");
    report_error(sys_read(3, DATA, 9), 2, "reading it");
    caller_end();
}
