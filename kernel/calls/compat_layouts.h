// What 32-bit programs see in memory where it differs from file_layouts.h: Linux's structures for i386. Numbers of
// 64 bits are aligned to 4 there.
#pragma once

#include <arch/types.h>

// stat64(2)
struct compat_stat {
    u64 device;
    u32 unused, low_inode;
    u32 mode, links, owner, group;
    u64 special;
    u32 more_unused;
    u64 size;
    u32 block_size;
    u64 blocks;
    u32 accessed, accessed_ns, modified, modified_ns, changed, changed_ns;
    u64 inode;
} packed;
static_assert(sizeof(struct compat_stat) == 96, "struct stat64 of i386");
static_assert(offsetof(struct compat_stat, mode) == 16, "st_mode");
static_assert(offsetof(struct compat_stat, size) == 44, "st_size");
static_assert(offsetof(struct compat_stat, modified) == 72, "st_mtime");
static_assert(offsetof(struct compat_stat, inode) == 88, "st_ino");
