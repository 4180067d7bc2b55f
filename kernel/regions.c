// Address spaces: which runs, and finding its regions, which lie in an array sorted by address.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <kernel/init.h>
#include <kernel/regions.h>

struct address_space kernel_space;
const u8 zero_page[PAGE_SIZE] aligned_to(PAGE_SIZE);

void space_switch(struct address_space *space)
{
    bool enabled = interrupts_save(); // a page fault must find both or neither

    this_cpu()->space = space;
    write_cr3(direct_map_physical(space->tables));
    interrupts_restore(enabled);
}

size_t regions_above(const struct address_space *space, u64 address)
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

struct region *region_find(struct address_space *space, u64 address)
{
    size_t i = regions_above(space, address);

    if (i == space->count || address < space->regions[i]->start)
        return NULL;
    return space->recent = space->regions[i];
}

struct region *region_growing_to(struct address_space *space, u64 address)
{
    u64 page = address & -PAGE_SIZE;
    size_t i = regions_above(space, address);
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

// Where what nobody else may have begins: a stack keeps all that it may grow to, and a page below.
static u64 taken_from(const struct region *region)
{
    return region->lowest ? region->lowest - PAGE_SIZE : region->start;
}

u64 regions_gap(const struct address_space *space, u64 low, u64 high, size_t size)
{
    for (size_t i = regions_above(space, high);; i--) { // the i-th is the first one above the gap
        u64 bottom = i > 0 ? space->regions[i - 1]->end : 0;

        if (i < space->count && taken_from(space->regions[i]) < high)
            high = taken_from(space->regions[i]);
        if (bottom < low)
            bottom = low;
        if (high >= bottom && high - bottom >= size)
            return high - size;
        if (bottom == low)
            return 0;
    }
}

static void regions_initialise(void)
{
    kernel_space.tables = kernel_tables;
    space_switch(&kernel_space);
}
INIT(INIT_FAULTS, regions_initialise);
