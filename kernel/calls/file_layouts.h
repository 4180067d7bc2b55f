// What programs see of files in memory: Linux's structures for x86-64. Those of i386 are lab 09's.
#pragma once

#include <arch/types.h>

// stat(2)
struct stat {
    u64 device, inode, links;
    u32 mode, owner, group, unused;
    u64 special;                  // the device that it is, if it is one
    u64 size, block_size, blocks; // the last in units of 512 bytes
    u64 accessed, accessed_ns;    // in seconds since 1970, and nanoseconds
    u64 modified, modified_ns;
    u64 changed, changed_ns;
    u64 more_unused[3];
};
static_assert(sizeof(struct stat) == 144, "struct stat of x86-64");
static_assert(offsetof(struct stat, mode) == 24, "st_mode");
static_assert(offsetof(struct stat, special) == 40, "st_rdev");
static_assert(offsetof(struct stat, size) == 48, "st_size");
static_assert(offsetof(struct stat, modified) == 88, "st_mtime");

// getdents64(2); the name with its NUL follows, and the whole is a multiple of 8 long.
struct directory_entry {
    u64 inode;
    u64 next; // the directory's position behind this entry
    u16 size;
    u8 kind;
    char name[];
} packed;
static_assert(offsetof(struct directory_entry, name) == 19, "struct linux_dirent64");
