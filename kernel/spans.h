// Memory in several pieces that one call reads or writes in their order, as readv and writev have it: a
// program's, or the kernel's own.
#pragma once

#include <arch/types.h>

struct span {
    u64 start, size;
};

struct spans {
    const struct span *span; // the one where it goes on,
    u64 done;                // so far in it
    size_t left;             // bytes in all that are left
    bool kernel;             // the memory is the kernel's, and can be trusted
    struct span *memory;     // what was allocated for them, if anything was
};

// One piece of a program's memory.
static inline struct spans spans_user(const struct span *span)
{
    return (struct spans){ .span = span, .left = span->size };
}

// One piece of the kernel's.
static inline struct spans spans_kernel(const struct span *span)
{
    return (struct spans){ .span = span, .left = span->size, .kernel = true };
}

// Writes up to `size` bytes there, or zeroes; or reads them from there. Returns how many: fewer than that
// and than were left if a page of the program's cannot be written, or read.
size_t spans_put(struct spans *to, const void *from, size_t size);
size_t spans_clear(struct spans *to, size_t size);
size_t spans_take(struct spans *from, void *to, size_t size);
