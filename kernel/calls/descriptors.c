// The calls that are about descriptors, and about the place in a file.

#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>

// What fcntl is asked for.
#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1u

static long duplicate(int fd, unsigned lowest, bool closing)
{
    struct file *file = current_file(fd);
    int copy;

    if (!file)
        return -EBADF;
    copy = lowest < FILES_MOST ? files_add(current_files(), file, lowest, closing) : -EINVAL;
    if (copy < 0)
        file_put(file);
    return copy;
}

long sys_dup(int fd)
{
    return duplicate(fd, 0, false);
}

static long duplicate_to(int fd, int copy, bool closing)
{
    struct file *file = (unsigned)copy < FILES_MOST ? current_file(fd) : NULL;

    if (!file)
        return -EBADF;
    files_set(current_files(), (unsigned)copy, file, closing);
    return copy;
}

long sys_dup2(int fd, int copy)
{
    struct file *file;

    if (fd != copy)
        return duplicate_to(fd, copy, false);
    file = current_file(fd);
    file_put(file);
    return file ? copy : -EBADF;
}

long sys_dup3(int fd, int copy, int flags)
{
    if (flags & ~O_CLOEXEC || fd == copy)
        return -EINVAL;
    return duplicate_to(fd, copy, flags & O_CLOEXEC);
}

static long control(struct file *file, int fd, unsigned command, u64 argument)
{
    const unsigned changeable = O_APPEND | O_NONBLOCK;
    struct files *files = current_files();
    u64 bit = 1ul << fd;

    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(fd, (unsigned)argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return files->closing & bit ? FD_CLOEXEC : 0;
    case F_SETFD:
        files->closing = argument & FD_CLOEXEC ? files->closing | bit : files->closing & ~bit;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~changeable) | ((unsigned)argument & changeable);
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_fcntl(int fd, u32 command, u64 argument)
{
    struct file *file = current_file(fd);
    long result = file ? control(file, fd, command, argument) : -EBADF;

    file_put(file);
    return result;
}

long sys_ioctl(int fd, u64 command, u64 argument)
{
    struct file *file = current_file(fd);
    long result = -EBADF;

    if (file)
        result = file->operations->ioctl
                     ? file->operations->ioctl(file, (unsigned)command, argument)
                     : -ENOTTY;
    file_put(file);
    return result;
}

long sys_lseek(int fd, long offset, u32 whence)
{
    struct file *file = current_file(fd);
    long position = -EBADF;

    if (file)
        position = whence > SEEK_HOLE       ? -EINVAL
                   : file->operations->seek ? file->operations->seek(file, offset, whence)
                                            : -ESPIPE;
    file_put(file);
    return position;
}
