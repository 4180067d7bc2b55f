// Files that come with the kernel: a cpio archive in memory, in the format that `cpio -o -H newc` writes.
// https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
#pragma once

#include <kernel/node.h>

struct initramfs_problem {
    const char *what; // in words
    const char *path; // of the entry; "" if the entry is not even sound
    size_t at;        // where in the archive it begins
};

// Adds what is in the archive to the tree. Archives may follow each other; a directory may be in several.
// `archive` must stay where it is, for files are read from it. 0, or what is wrong with it as a negative errno;
// then nothing was added, and *problem says more. -EINVAL: not as the
// format demands; -EEXIST: a name twice; -ENOENT, -ENOTDIR: an entry's directory is missing or is none;
// -ENOMEM. What it never does is to follow a symbolic link.
int initramfs_add(struct tree *tree, const void *archive, size_t size,
                  struct initramfs_problem *problem);
