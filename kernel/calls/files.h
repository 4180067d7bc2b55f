// What the calls of files have in common; those of i386, whose structures are laid out differently, use it too.
#pragma once

#include <kernel/file.h>
#include <kernel/path.h>
#include <kernel/process.h>

#define AT_FDCWD            (-100) // the current directory, in place of a descriptor
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS          0x200
#define AT_NO_AUTOMOUNT     0x800
#define AT_EMPTY_PATH       0x1000 // an empty path means the descriptor itself

#define SPANS_MOST 1024       // pieces of a readv
#define BYTES_MOST 0x7ffff000 // as many are read or written at once; Linux's limit, too

static inline struct files *current_files(void)
{
    return current_process()->files;
}

// The open file with that number, with one user more; NULL if there is none.
static inline struct file *current_file(int fd)
{
    return files_get(current_files(), fd);
}

// A copy of a program's path, which path_free() gives back. 0, -EFAULT, -ENAMETOOLONG, -ENOMEM, and -ENOENT
// for an empty one.
int path_copy(u64 user, char **path);
void path_free(char *path);

// Where `path` begins, given the descriptor of a directory or AT_FDCWD. 0, -EBADF, or -ENOTDIR.
int path_start(int fd, const char *path, const struct node **from);

// The node that a program means by a descriptor, a path and flags, AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH among
// them. 0, or negative errno.
int path_node(int fd, u64 path, unsigned flags, const struct node **node);

// Writes what a file is like to where the program wants it, in the program's layout. 0, or -EFAULT.
typedef long put_status_function(const struct node *node, u64 to);

// What the file is like that a program means by a descriptor, a path and flags; what an open one is like. 0,
// -EINVAL for flags that are not known, or negative errno.
long file_status_at(int fd, u64 path, u64 to, u64 flags, put_status_function *put);
long file_status(int fd, u64 to, put_status_function *put);

// The pieces that an iovec of `count` means, whose entries have two words of `word` bytes, 4 or 8.
// spans_release() gives them back. 0, -EINVAL, -EFAULT, -ENOMEM.
int spans_copy(struct spans *spans, u64 user, u64 count, unsigned word);
void spans_release(struct spans *spans);

// read and write, from the file's position on. How many bytes, or negative errno.
long file_read(int fd, struct spans *to);
long file_write(int fd, struct spans *from);

// The same with pieces: `move` is one of the two.
long file_vector(int fd, u64 pieces, u64 count, unsigned word, long (*move)(int, struct spans *));

// sendfile, from *position on, which moves; NULL: from the file's own.
long file_send(int to, int from, u64 *position, size_t size);

// openat; `flags` with O_LARGEFILE where positions have 64 bits.
long file_open_at(int fd, u64 path, unsigned flags);

// What stat says besides what the node does: the device that all files are on, names of a node, and blocks of 512
// bytes.
#define FILES_DEVICE 1
u64 node_links(const struct node *node);
u64 node_blocks(const struct node *node);
