// The array of an address space's regions, sorted by address.

#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/regions_array.h>
#include <kernel/string.h>

enum { ROOM_AT_FIRST = 8 };

// Room for one more. 0 or -ENOMEM.
static int make_room(struct address_space *space)
{
    size_t room = space->room ? 2 * space->room : ROOM_AT_FIRST;
    struct region **regions;

    if (space->count == REGIONS_MOST)
        return -ENOMEM;
    if (space->count < space->room)
        return 0;
    regions = heap_allocate(room * sizeof(*regions));
    if (!regions)
        return -ENOMEM;
    memcpy(regions, space->regions, space->count * sizeof(*regions));
    heap_free(space->regions);
    space->regions = regions;
    space->room = room;
    return 0;
}

void regions_put(struct address_space *space, size_t i, struct region *region)
{
    struct region **at = &space->regions[i];

    memmove(at + 1, at, (space->count - i) * sizeof(*at));
    *at = region;
    space->count++;
}

void regions_take_out(struct address_space *space, size_t i, size_t count)
{
    struct region **at = &space->regions[i];

    memmove(at, at + count, (space->count - i - count) * sizeof(*at));
    space->count -= count;
    space->recent = NULL;
}

int regions_insert(struct address_space *space, size_t i, const struct region *region)
{
    struct region *copy = heap_allocate(sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    if (make_room(space) != 0) {
        heap_free(copy);
        return -ENOMEM;
    }
    *copy = *region;
    regions_put(space, i, copy);
    return 0;
}

// Whether `next` goes on where `region` ends, with the same.
static bool goes_on(const struct region *region, const struct region *next)
{
    if (region->end != next->start || region->rights != next->rights || region->lowest ||
        next->lowest || region->fill != next->fill || region->shared != next->shared)
        return false;
    return !region->fill || (region->context == next->context && region->limit == next->limit &&
                             region->offset + (region->end - region->start) == next->offset);
}

void regions_join(struct address_space *space, u64 start, u64 end)
{
    size_t i = regions_above(space, start - 1);

    while (i + 1 < space->count && space->regions[i]->end <= end) {
        struct region *region = space->regions[i], *next = space->regions[i + 1];

        if (!goes_on(region, next)) {
            i++;
            continue;
        }
        region->end = next->end;
        regions_take_out(space, i + 1, 1);
        heap_free(next);
    }
}

// Cuts the region at `address`, if there is one that starts before it, in two. 0 or -ENOMEM.
static int cut(struct address_space *space, u64 address)
{
    size_t i = regions_above(space, address);
    struct region lower;
    int error;

    if (i == space->count || space->regions[i]->start >= address)
        return 0;
    lower = *space->regions[i];
    lower.end = address;
    error = regions_insert(space, i, &lower);
    if (error)
        return error;
    space->regions[i + 1]->start = address;
    space->regions[i + 1]->offset += lower.end - lower.start;
    return 0;
}

int regions_cut_out(struct address_space *space, u64 start, u64 end)
{
    int error = cut(space, start);

    if (!error)
        error = cut(space, end);
    if (error)
        regions_join(space, start, end);
    return error;
}
