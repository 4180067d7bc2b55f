// Physical memory, page by page.
#pragma once

#include <arch/types.h>

// Takes over the RAM that the loader listed, less the first MiB and the image, and builds the page
// tables. No room for it is a panic.
void memory_initialise(void);

// `count` consecutive pages of physical memory, as their address in the direct map; not zeroed.
// NULL when there are not so many in a row.
void *pages_allocate(size_t count);

// Gives back what pages_allocate(count) returned. A page that is not allocated is a panic.
void pages_free(void *pages, size_t count);

// Pages that pages_allocate can still give, and all that the machine has.
size_t pages_available(void);
size_t pages_total(void);
