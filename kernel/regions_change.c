// Address spaces: regions that come, go, and change.

#include <arch/paging.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/regions_array.h>

static bool sound(u64 start, u64 end)
{
    bool low = end <= USER_END, high = start >= REGIONS_BASE && end <= REGIONS_END;

    return start % PAGE_SIZE == 0 && end % PAGE_SIZE == 0 && start < end && (low || high);
}

// Whether a sound region at `start` may have these rights.
static bool may_have(u64 start, unsigned rights)
{
    const unsigned both = ACCESS_WRITE | ACCESS_EXECUTE;
    bool low = start < USER_END, user = rights & ACCESS_USER;

    return low == user && (low || (rights & both) != both) &&
           (rights & ACCESS_READ || !(rights & both));
}

static int add(struct address_space *space, const struct region *region)
{
    size_t i = regions_above(space, region->start);
    u64 lowest = region->lowest ? region->lowest : region->start;
    int error;

    if (!sound(region->start, region->end) || !sound(lowest, region->end) ||
        lowest > region->start || !may_have(region->start, region->rights))
        return -EINVAL;
    if (i < space->count && space->regions[i]->start < region->end)
        return -EEXIST;
    error = regions_insert(space, i, region);
    if (!error)
        regions_join(space, region->start, region->end);
    return error;
}

static void drop_pages(struct address_space *space, u64 start, u64 end)
{
    u64 page = start;

    while ((page = paging_next(space->tables, page, end)) < end)
        demand_drop(space, page);
}

static int remove(struct address_space *space, u64 start, u64 end)
{
    size_t first, after;
    int error;

    if (!sound(start, end))
        return -EINVAL;
    error = regions_cut_out(space, start, end);
    if (error)
        return error;
    first = after = regions_above(space, start);
    for (; after < space->count && space->regions[after]->start < end; after++) {
        struct region *region = space->regions[after];

        drop_pages(space, region->start, region->end);
        heap_free(region);
    }
    regions_take_out(space, first, after - first);
    return 0;
}

static bool covered(const struct address_space *space, u64 start, u64 end)
{
    for (size_t i = regions_above(space, start); start < end; i++) {
        if (i == space->count || space->regions[i]->start > start)
            return false;
        start = space->regions[i]->end;
    }
    return true;
}

static int protect(struct address_space *space, u64 start, u64 end, unsigned rights)
{
    int error;

    if (!sound(start, end) || !may_have(start, rights))
        return -EINVAL;
    if (!covered(space, start, end))
        return -ENOMEM;
    error = regions_cut_out(space, start, end);
    if (error)
        return error;
    for (size_t i = regions_above(space, start); i < space->count && space->regions[i]->start < end;
         i++) {
        struct region *region = space->regions[i];

        region->rights = rights;
        for (u64 page = paging_next(space->tables, region->start, region->end); page < region->end;
             page = paging_next(space->tables, page + PAGE_SIZE, region->end))
            demand_protect(space, page, rights);
    }
    regions_join(space, start, end);
    return 0;
}

// Pages that come anew are what a region promises; what has none has no pages either.
static int drop(struct address_space *space, u64 start, u64 end)
{
    if (!sound(start, end))
        return -EINVAL;
    drop_pages(space, start, end);
    return covered(space, start, end) ? 0 : -ENOMEM;
}

// Makes the tables that the pages of [start, end) need at `to`. 0 or -ENOMEM.
static int reserve(struct address_space *space, u64 start, u64 end, u64 to)
{
    u64 page = start;
    int error = 0;

    for (; (page = paging_next(space->tables, page, end)) < end && !error; page += PAGE_SIZE)
        error = paging_reserve(space->tables, to + (page - start));
    return error;
}

static void move_pages(struct address_space *space, u64 start, u64 end, u64 to)
{
    u64 page = start;

    while ((page = paging_next(space->tables, page, end)) < end) {
        u64 entry = paging_unmap(space->tables, page);

        if (paging_map(space->tables, to + (page - start), entry & PTE_ADDRESS,
                       entry & ~PTE_ADDRESS) != 0)
            panic("a page at 0x%lx cannot move to 0x%lx", page, to + (page - start));
    }
}

static int move(struct address_space *space, u64 start, u64 end, u64 to, size_t size)
{
    size_t i = regions_above(space, start), above;
    struct region *region;
    int error;

    if (!sound(start, end) || !sound(to, to + size) || size < end - start)
        return -EINVAL;
    if (i == space->count || start < space->regions[i]->start || end > space->regions[i]->end)
        return -EFAULT;
    above = regions_above(space, to);
    if (above < space->count && space->regions[above]->start < to + size)
        return -EEXIST;
    error = regions_cut_out(space, start, end);
    if (!error)
        error = reserve(space, start, end, to);
    if (error) {
        regions_join(space, start, end);
        return error;
    }
    move_pages(space, start, end, to);
    i = regions_above(space, start);
    region = space->regions[i];
    regions_take_out(space, i, 1);
    region->start = to;
    region->end = to + size;
    region->lowest = 0;
    regions_put(space, regions_above(space, to), region);
    regions_join(space, to, to + size);
    return 0;
}

// ---- the same, undisturbed -------------------------------------------------------------------------

int region_add(struct address_space *space, const struct region *region)
{
    bool unlocked = memory_lock();
    int error = add(space, region);

    memory_unlock(unlocked);
    return error;
}

int regions_remove(struct address_space *space, u64 start, u64 end)
{
    bool unlocked = memory_lock();
    int error = remove(space, start, end);

    memory_unlock(unlocked);
    return error;
}

int regions_protect(struct address_space *space, u64 start, u64 end, unsigned rights)
{
    bool unlocked = memory_lock();
    int error = protect(space, start, end, rights);

    memory_unlock(unlocked);
    return error;
}

int regions_drop(struct address_space *space, u64 start, u64 end)
{
    bool unlocked = memory_lock();
    int error = drop(space, start, end);

    memory_unlock(unlocked);
    return error;
}

int regions_move(struct address_space *space, u64 start, u64 end, u64 to, size_t size)
{
    bool unlocked = memory_lock();
    int error = move(space, start, end, to, size);

    memory_unlock(unlocked);
    return error;
}
