// Address spaces of programs: made and given back.

#include <arch/paging.h>
#include <kernel/heap.h>
#include <kernel/panic.h>
#include <kernel/regions.h>

struct address_space *space_new(void)
{
    struct address_space *space = heap_allocate(sizeof(*space));

    if (!space)
        return NULL;
    *space = (struct address_space){ .tables = paging_new() };
    if (space->tables)
        return space;
    heap_free(space);
    return NULL;
}

void space_free(struct address_space *space)
{
    if (regions_remove(space, 0, USER_END) != 0) // nothing is cut in two, so it needs no memory
        panic("an address space cannot be given back");
    paging_free(space->tables);
    heap_free(space->regions);
    heap_free(space);
}
