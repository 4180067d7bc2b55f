// Demand paging: pages that come when they are touched. Whoever only reads gets the zero page, the same
// for all; a page of its own comes with the first write. A page that has more users than one is never
// writable.

#include <arch/cpu.h>
#include <arch/hole.h>
#include <arch/paging.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define FLAGS(rights)                                                                              \
    (((rights)&ACCESS_READ ? PTE_PRESENT : PTE_KEPT) |                                             \
     ((rights)&ACCESS_WRITE ? PTE_WRITABLE : 0) | ((rights)&ACCESS_USER ? PTE_USER : PTE_GLOBAL) | \
     ((rights)&ACCESS_EXECUTE ? 0 : PTE_NO_EXECUTE))
#define FOUR_FLAGS(rights) \
    FLAGS(rights), FLAGS((rights) + 1), FLAGS((rights) + 2), FLAGS((rights) + 3)

// Worked out when it is compiled: every first touch asks.
u64 demand_flags(unsigned rights)
{
    static const u64 flags[] = { FOUR_FLAGS(0), FOUR_FLAGS(4), FOUR_FLAGS(8), FOUR_FLAGS(12) };

    return flags[rights];
}

// 0, or a negative errno: then nothing is mapped.
static int fill_and_map(struct address_space *space, const struct region *region, u64 page,
                        void *memory)
{
    int error;

    memset(memory, 0, PAGE_SIZE);
    if (region->fill && (error = region->fill(region, page, memory)) != 0)
        return error;
    return paging_map(space->tables, page, (u64)memory - DIRECT_MAP_BASE,
                      demand_flags(region->rights));
}

int demand_page(struct address_space *space, const struct region *region, u64 page)
{
    // LAB 4.2: Zeroes, then what the region has for it; mapped last, so that nobody sees less. What
    //          fails gives back what was taken.
    char *memory;
    int error = -ENOMEM;

    memory = pages_allocate(1);
    if (memory == NULL)
        goto out;
    error = fill_and_map(space, region, page, memory);
    if (error == 0)
        goto out;
    pages_free(memory, 1);
out:
    return error;
}

// Maps a page that others use too: whoever wants to write to it gets a page of his own then.
static __attribute__((noinline)) int map_shared(struct address_space *space,
                                                const struct region *region, u64 page, void *memory)
{
    int error;

    page_share(memory);
    error = paging_map(space->tables, page, direct_map_physical(memory),
                       demand_flags(region->rights & ~(unsigned)ACCESS_WRITE));
    if (error)
        pages_free(memory, 1);
    return error;
}

static inline __attribute__((always_inline)) int demand_first_touch(struct address_space *space,
                                                                    const struct region *region,
                                                                    u64 page, unsigned access)
{
    int error;

    if (access & ACCESS_WRITE || region->fill)
        error = demand_page(space, region, page);
    else
        error = map_shared(space, region, page, direct_map(image_physical(zero_page)));
    if (error == -EEXIST && paging_entry(space->tables, page))
        return 0; // somebody else has touched it meanwhile
    return error;
}

// A write to a page that is read-only although its region is not: others use it, too, or did so.
static int demand_copy(struct address_space *space, const struct region *region, u64 page,
                       u64 entry)
{
    void *shared = direct_map(entry & PTE_ADDRESS), *own = shared;

    if (page_users(shared) > 1) {
        own = pages_allocate(1);
        if (!own)
            return -ENOMEM;
        page_copy(own, shared);
    }
    paging_replace(space->tables, page, direct_map_physical(own), demand_flags(region->rights));
    if (own != shared)
        pages_free(shared, 1);
    return 0;
}

// A page was there, and forbade what its region allows: it is to be copied; or the entry is another one by
// now, and the CPU may look again; or somebody else has written to the tables.
static __attribute__((noinline)) int
demand_again(struct address_space *space, const struct region *region, u64 page, unsigned access)
{
    const u64 given = PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE;
    u64 *entry = paging_entry(space->tables, page);

    if (entry && (*entry & given) != (demand_flags(region->rights) & given))
        return -EFAULT;
    if (entry && access & ACCESS_WRITE && !(*entry & PTE_WRITABLE))
        return demand_copy(space, region, page, *entry);
    invalidate_page(page);
    return 0;
}

// All that can be: another region than last time, a stack that grows, a page that is there.
static __attribute__((noinline)) int demand_any(struct address_space *space, u64 address,
                                                unsigned access, bool present)
{
    u64 page = address & -PAGE_SIZE;
    struct region *region = region_at(space, address);

    if (!region)
        region = region_growing_to(space, address);
    if (!region || access & ~region->rights)
        return -EFAULT;
    if (page < region->start)
        region->start = page;
    if (present)
        return demand_again(space, region, page, access);
    return demand_first_touch(space, region, page, access);
}

// Most faults are first touches in the region of the one before.
int demand_fault(struct address_space *space, u64 address, unsigned access, bool present)
{
    const struct region *recent = space->recent;

    if (present || !recent || address < recent->start || address >= recent->end ||
        access & ~recent->rights)
        return demand_any(space, address, access, present);
    return demand_first_touch(space, recent, address & -PAGE_SIZE, access);
}

void demand_protect(struct address_space *space, u64 page, unsigned rights)
{
    u64 *entry = paging_entry(space->tables, page);

    if (!entry)
        return;
    if (page_users(direct_map(*entry & PTE_ADDRESS)) > 1)
        rights &= ~(unsigned)ACCESS_WRITE;
    paging_protect(space->tables, page, demand_flags(rights));
}

void demand_drop(struct address_space *space, u64 page)
{
    u64 entry = paging_unmap(space->tables, page);

    if (entry)
        pages_free(direct_map(entry & PTE_ADDRESS), 1);
}
