// The kernel's heap.
#pragma once

#include <arch/types.h>

// `size` bytes, aligned to 32, not zeroed; NULL when memory is out. Size 0 gives a valid pointer.
void *heap_allocate(size_t size);

// Gives back what heap_allocate returned; NULL is allowed. Freeing twice is a panic.
void heap_free(void *memory);
