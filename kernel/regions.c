// Address spaces: their regions, in an array sorted by address.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/init.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>

enum { ROOM_AT_FIRST = 8 };

struct address_space kernel_space;
const u8 zero_page[PAGE_SIZE] aligned_to(PAGE_SIZE);

// Before INIT_FAULTS there is only the kernel's.
struct address_space *space_of(u64 address)
{
    struct address_space *space = address < USER_END ? this_cpu()->space : NULL;

    return space ? space : &kernel_space;
}

void space_switch(struct address_space *space)
{
    bool enabled = interrupts_save(); // a page fault must find both or neither

    this_cpu()->space = space;
    write_cr3(direct_map_physical(space->tables));
    interrupts_restore(enabled);
}

// The index of the first region that ends above `address`.
static size_t first_above(const struct address_space *space, u64 address)
{
    size_t low = 0, high = space->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (space->regions[middle]->end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct region *region_at(struct address_space *space, u64 address)
{
    struct region *recent = space->recent;
    size_t i;

    if (recent && address >= recent->start && address < recent->end)
        return recent;
    i = first_above(space, address);
    if (i == space->count || address < space->regions[i]->start)
        return NULL;
    return space->recent = space->regions[i];
}

struct region *region_growing_to(struct address_space *space, u64 address)
{
    u64 page = address & -PAGE_SIZE;
    size_t i = first_above(space, address);
    struct region *stack;

    if (i == space->count)
        return NULL;
    stack = space->regions[i];
    if (!stack->lowest || page < stack->lowest)
        return NULL;
    if (i > 0 && page - space->regions[i - 1]->end < PAGE_SIZE)
        return NULL;
    return stack;
}

// ---- changing the array ---------------------------------------------------------------------------

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

// Makes the region the i-th. Returns 0 or -ENOMEM.
static int insert(struct address_space *space, size_t i, const struct region *region)
{
    struct region *copy = heap_allocate(sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    if (space->count == space->room) {
        size_t room = space->room ? 2 * space->room : ROOM_AT_FIRST;
        struct region **regions = heap_allocate(room * sizeof(*regions));

        if (!regions) {
            heap_free(copy);
            return -ENOMEM;
        }
        memcpy(regions, space->regions, space->count * sizeof(*regions));
        heap_free(space->regions);
        space->regions = regions;
        space->room = room;
    }
    *copy = *region;
    memmove(&space->regions[i + 1], &space->regions[i],
            (space->count - i) * sizeof(*space->regions));
    space->regions[i] = copy;
    space->count++;
    return 0;
}

static int add(struct address_space *space, const struct region *region)
{
    size_t i = first_above(space, region->start);
    u64 lowest = region->lowest ? region->lowest : region->start;

    if (!sound(region->start, region->end) || !sound(lowest, region->end) ||
        lowest > region->start || !may_have(region->start, region->rights))
        return -EINVAL;
    if (i < space->count && space->regions[i]->start < region->end)
        return -EEXIST;
    return insert(space, i, region);
}

// Cuts the region at `address`, if there is one that starts before it, in two. 0 or -ENOMEM.
static int cut(struct address_space *space, u64 address)
{
    size_t i = first_above(space, address);
    struct region lower;
    int error;

    if (i == space->count || space->regions[i]->start >= address)
        return 0;
    lower = *space->regions[i];
    lower.end = address;
    error = insert(space, i, &lower);
    if (error)
        return error;
    space->regions[i + 1]->start = address;
    space->regions[i + 1]->offset += lower.end - lower.start;
    return 0;
}

// Cuts, so that [start, end) holds whole regions only.
static int cut_out(struct address_space *space, u64 start, u64 end)
{
    int error = cut(space, start);

    return error ? error : cut(space, end);
}

static int remove(struct address_space *space, u64 start, u64 end)
{
    size_t first, after;
    int error;

    if (!sound(start, end))
        return -EINVAL;
    error = cut_out(space, start, end);
    if (error)
        return error;
    first = after = first_above(space, start);
    for (; after < space->count && space->regions[after]->start < end; after++) {
        struct region *region = space->regions[after];

        u64 page = region->start;

        while ((page = paging_next(space->tables, page, region->end)) < region->end)
            demand_drop(space, page);
        heap_free(region);
    }
    memmove(&space->regions[first], &space->regions[after],
            (space->count - after) * sizeof(*space->regions));
    space->count -= after - first;
    space->recent = NULL;
    return 0;
}

static bool covered(const struct address_space *space, u64 start, u64 end)
{
    for (size_t i = first_above(space, start); start < end; i++) {
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
    error = cut_out(space, start, end);
    if (error)
        return error;
    for (size_t i = first_above(space, start); i < space->count && space->regions[i]->start < end;
         i++) {
        struct region *region = space->regions[i];

        region->rights = rights;
        for (u64 page = paging_next(space->tables, region->start, region->end); page < region->end;
             page = paging_next(space->tables, page + PAGE_SIZE, region->end))
            demand_protect(space, page, rights);
    }
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

static void regions_initialise(void)
{
    kernel_space.tables = kernel_tables;
    space_switch(&kernel_space);
}
INIT(INIT_FAULTS, regions_initialise);
