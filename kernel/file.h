// Files: what a program has open, and under which number.
#pragma once

#include <kernel/node.h>
#include <kernel/spans.h>

// How it was opened, and what fcntl can change: Linux's numbers, because programs see them too.
#define O_RDONLY    00000000
#define O_WRONLY    00000001
#define O_RDWR      00000002
#define O_ACCMODE   00000003 // the three above; 3 itself allows neither reading nor writing
#define O_CREAT     00000100
#define O_EXCL      00000200
#define O_NOCTTY    00000400
#define O_TRUNC     00001000
#define O_APPEND    00002000
#define O_NONBLOCK  00004000
#define O_LARGEFILE 00100000
#define O_DIRECTORY 00200000
#define O_NOFOLLOW  00400000
#define O_CLOEXEC   02000000

// Where lseek counts from.
#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3 // the next byte that is not in a hole; no file here has one,
#define SEEK_HOLE 4 // so that the first hole is behind the end

// For `ready`: Linux's POLLIN | POLLRDNORM and POLLOUT | POLLWRNORM.
#define FILE_CAN_READ  0x041u
#define FILE_CAN_WRITE 0x104u

struct file;

// What can be done with an open file. NULL where a kind of file has no such thing: then it is -EINVAL to read
// or write there, -ESPIPE to seek, and ioctl says -ENOTTY.
struct file_operations {
    // Gives what there is at `position`, as much as there is room for. How many bytes; 0 at the end; negative
    // errno, -EFAULT if not a single byte could be delivered.
    long (*read)(struct file *file, u64 position, struct spans *to);

    // Takes what is there. How many bytes were taken, or negative errno.
    long (*write)(struct file *file, struct spans *from);

    // The new position, or negative errno. There are none but in what can be found again: not in what comes from
    // a terminal or a pipe.
    long (*seek)(struct file *file, long offset, unsigned whence);

    long (*ioctl)(struct file *file, unsigned command, u64 argument);

    // What can be done without waiting; NULL: everything.
    unsigned (*ready)(struct file *file);

    void (*close)(struct file *file); // nobody has it open any more
};

struct file {
    const struct file_operations *operations;
    const struct node *node;
    void *context; // the operations' own
    u64 position;
    unsigned flags; // O_...
    unsigned users; // descriptors, and calls that are at work on it
};

// A file for `node`, opened with these flags, with one user; NULL when memory is out.
struct file *file_open(const struct node *node, unsigned flags);

// The same for what has no node in the tree: operations of its own. `node` says what stat shows.
struct file *file_new(const struct node *node, const struct file_operations *operations,
                      unsigned flags);

// One user less; the last one closes it. NULL is allowed.
void file_put(struct file *file);

static inline bool file_readable(const struct file *file)
{
    return ((file->flags & O_ACCMODE) + 1) & 1;
}

static inline bool file_writable(const struct file *file)
{
    return ((file->flags & O_ACCMODE) + 1) & 2;
}

// The terminal: what is written appears on the serial port, what is typed there comes line by line.
struct file *file_console(void);

// Makes it what it was at first, after a program that may have changed it.
void file_console_reset(void);

// A pipe's end for tests: keeps what is written, up to `size` bytes with those beyond lost; what is read is
// `input`. NULL when memory is out.
struct file *capture_new(const char *input, size_t input_size, size_t size);

// What was written to it so far, *size bytes, and whether some were lost.
const char *capture_text(const struct file *capture, size_t *size, bool *lost);

// ---- descriptors -----------------------------------------------------------------------------------

#define FILES_MOST 64 // descriptors of a process; RLIMIT_NOFILE

// What the descriptors of a process stand for, and where its relative paths begin.
struct files {
    struct file *file[FILES_MOST];
    u64 closing; // bit n: descriptor n is closed by exec
    const struct node *directory;
};

// The root as the directory and no descriptor; NULL when memory is out.
struct files *files_new(void);

// The same descriptors for another process: the files themselves, their positions too, are shared. NULL when
// memory is out.
struct files *files_copy(const struct files *files);

// Closes all and gives it back.
void files_free(struct files *files);

// Closes what is not to outlive exec.
void files_exec(struct files *files);

// The lowest free descriptor from `lowest` on, or -EMFILE.
int files_lowest(const struct files *files, unsigned lowest);

// Makes the lowest free descriptor from `lowest` on stand for `file`, which is the table's from now on, and
// returns it; -EMFILE if none is free, and then `file` stays the caller's.
int files_add(struct files *files, struct file *file, unsigned lowest, bool closing);

// Makes `fd`, below FILES_MOST, stand for `file`, which is the table's from now on; what it stood for is closed.
void files_set(struct files *files, unsigned fd, struct file *file, bool closing);

// The file of a descriptor with one user more; NULL if it is not open. file_put() when done.
struct file *files_get(const struct files *files, int fd);

// 0, or -EBADF.
int files_close(struct files *files, int fd);
