// Address spaces: which addresses mean something, and what. Page tables say what is there already; the
// regions say what is to be there as soon as somebody touches it (kernel/demand.h).
#pragma once

#include <arch/layout.h>
#include <arch/percpu.h>
#include <arch/types.h>

// What may be done with an address, and what somebody did. Bits of `rights` and of a fault's `access`.
// Rights without ACCESS_READ allow nothing: the CPU knows no page that can be written and not read.
enum access {
    ACCESS_READ = 1 << 0,
    ACCESS_WRITE = 1 << 1,
    ACCESS_EXECUTE = 1 << 2,
    ACCESS_USER = 1 << 3, // by ring 3
};

// Consecutive pages of one kind.
struct region {
    u64 start, end; // multiples of PAGE_SIZE; end is the first byte after
    unsigned rights;
    bool
        shared; // what is written is meant for others, too; a file's pages then are never written to
    u64 lowest; // a stack: how far down `start` may move by itself; 0 for all others

    // What a page holds besides zeroes when it comes: writes it to `memory`, where the page at `address`
    // is visible to the kernel alone. 0, or a negative errno; may itself fault. NULL: zeroes only.
    int (*fill)(const struct region *region, u64 address, void *memory);
    void *context; // for `fill`: what the pages come from,
    u64 offset;    // and where in it the one at `start` does; it stays right when the region is cut
    u64 limit;     // the offset from which on there is nothing any more
};

struct address_space {
    u64 *tables;             // level 4
    struct region **regions; // by address, none overlap
    size_t count, room;
    struct region *recent; // the one that was found last
};

// What the kernel itself has on demand, between REGIONS_BASE and REGIONS_END; and all there is until
// lab 07 brings processes.
extern struct address_space kernel_space;

// The address space that `address` belongs to: the one that runs here, or the kernel's. Before INIT_FAULTS
// there is only the kernel's.
static inline struct address_space *space_of(u64 address)
{
    struct address_space *space = address < USER_END ? this_cpu()->space : NULL;

    return space ? space : &kernel_space;
}

// Makes `space` the one that runs on this CPU.
void space_switch(struct address_space *space);

// An address space for a program, with nothing in its half; NULL when memory is out. space.c
struct address_space *space_new(void);

// Gives it back with all its pages. No CPU may be in it.
void space_free(struct address_space *space);

// A page of zeroes, read-only, mapped wherever nobody has written yet. It is part of the image.
extern const u8 zero_page[PAGE_SIZE];

// The most regions that a space can have, as Linux's vm.max_map_count.
#define REGIONS_MOST 65530

// The index of the first region that ends above `address`; space->count if there is none.
size_t regions_above(const struct address_space *space, u64 address);

// The region at `address`, or NULL. Most often it is the one that was found last.
struct region *region_find(struct address_space *space, u64 address);

static inline struct region *region_at(struct address_space *space, u64 address)
{
    struct region *recent = space->recent;

    if (recent && address >= recent->start && address < recent->end)
        return recent;
    return region_find(space, address);
}

// The stack that starts above `address` and may grow down to it, or NULL. Growing, it keeps a page free
// between itself and the region below.
struct region *region_growing_to(struct address_space *space, u64 address);

// The highest address in [low, high) from which on `size` bytes are free of regions, and of what stacks may
// grow to; 0 if there is none. All are multiples of PAGE_SIZE.
u64 regions_gap(const struct address_space *space, u64 low, u64 high, size_t size);

// ---- regions_change.c ------------------------------------------------------------------------------
// Neighbours that are alike become one region. What fails for want of memory has changed nothing.

// Adds a copy of `region`. Pages come when they are touched. Returns 0; -EINVAL for addresses that are
// not multiples of PAGE_SIZE, an empty region, one outside its half, or rights that it cannot have: the
// low half is ring 3's and the high half is not, and nothing there is both writable and executable;
// -EEXIST where another one is; -ENOMEM.
int region_add(struct address_space *space, const struct region *region);

// Takes [start, end) out of all regions and gives their pages back. 0, also if nothing was there;
// -EINVAL; -ENOMEM when a region must be cut in two and there is no memory for it.
int regions_remove(struct address_space *space, u64 start, u64 end);

// Gives [start, end) other rights, pages that are there included. As regions_remove; -ENOMEM also where
// a part has no region: then nothing is changed.
int regions_protect(struct address_space *space, u64 start, u64 end, unsigned rights);

// Gives back the pages in [start, end): they come anew when they are touched. 0; -EINVAL; -ENOMEM where a
// part has no region, but all others are dropped.
int regions_drop(struct address_space *space, u64 start, u64 end);

// Moves [start, end), which lies in one region, with its pages to `to`, where `size` bytes are free, as
// many as it had or more: the region ends there then. 0; -EINVAL; -EFAULT if it does not lie in one region;
// -EEXIST where another one is; -ENOMEM. Then nothing has moved.
int regions_move(struct address_space *space, u64 start, u64 end, u64 to, size_t size);
