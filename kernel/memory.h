// Physical memory, page by page.
#pragma once

#include <arch/interrupts.h>
#include <arch/types.h>

// Takes over the RAM that the loader listed, less the first MiB and the image, and builds the page
// tables. No room for it is a panic.
void memory_initialise(void);

// `count` consecutive pages of physical memory, as their address in the direct map; not zeroed.
// NULL when there are not so many in a row.
void *pages_allocate(size_t count);

// Gives back what pages_allocate(count) returned; a page that others use too stays theirs. A page that is
// not allocated is a panic.
void pages_free(void *pages, size_t count);

// One more uses the allocated page at `page`, and will give it back with pages_free.
void page_share(void *page);

// How many use it.
size_t page_users(const void *page);

// Pages that pages_allocate can still give, and all that the machine has.
size_t pages_available(void);
size_t pages_total(void);

// Nobody else changes pages, heap or regions between these two: there is one CPU, so it is enough that no
// interrupt comes. They nest. What IF does not hold back, an NMI, a #DB or a #MC, must touch no page
// that may come on demand, but by read_safe.
static inline bool memory_lock(void)
{
    return interrupts_save();
}

static inline void memory_unlock(bool unlocked)
{
    interrupts_restore(unlocked);
}
