// Demand paging: pages that come when they are touched. Whoever only reads gets the zero page, the same
// for all; a page of its own comes with the first write.

#include <arch/hole.h>
#include <arch/paging.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/string.h>

u64 demand_flags(unsigned rights)
{
    return PTE_PRESENT | (rights & ACCESS_WRITE ? PTE_WRITABLE : 0) |
           (rights & ACCESS_USER ? PTE_USER : PTE_GLOBAL) |
           (rights & ACCESS_EXECUTE ? 0 : PTE_NO_EXECUTE);
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

static u64 zero_physical(void)
{
    return image_physical(zero_page);
}

static bool is_zero_page(u64 entry)
{
    return (entry & PTE_ADDRESS) == zero_physical();
}

// Nothing is there yet.
static int demand_first_touch(struct address_space *space, const struct region *region, u64 page,
                              unsigned access)
{
    if (access & ACCESS_WRITE || region->fill)
        return demand_page(space, region, page);
    return paging_map(space->tables, page, zero_physical(),
                      demand_flags(region->rights & ~(unsigned)ACCESS_WRITE));
}

// A write to a page that is there and that its region allows to write: it is shared. A write that faults
// for another reason is none of ours.
static int demand_copy(struct address_space *space, const struct region *region, u64 page)
{
    u64 *entry = paging_entry(space->tables, page);

    if (!entry || !is_zero_page(*entry))
        return -EFAULT;
    paging_unmap(space->tables, page);
    return demand_page(space, region, page); // of the zero page, zeroes are the copy
}

int demand_fault(struct address_space *space, u64 address, unsigned access, bool present)
{
    u64 page = address & -PAGE_SIZE;
    struct region *region = region_at(space, address);

    if (!region)
        region = region_grown_to(space, address);
    if (!region || access & ~region->rights)
        return -EFAULT;
    if (!present)
        return demand_first_touch(space, region, page, access);
    if (access & ACCESS_WRITE)
        return demand_copy(space, region, page);
    return -EFAULT;
}

void demand_protect(struct address_space *space, u64 page, unsigned rights)
{
    u64 *entry = paging_entry(space->tables, page);

    if (!entry)
        return;
    if (is_zero_page(*entry))
        rights &= ~(unsigned)ACCESS_WRITE;
    paging_protect(space->tables, page, demand_flags(rights));
}

void demand_drop(struct address_space *space, u64 page)
{
    u64 entry = paging_unmap(space->tables, page);

    if (entry && !is_zero_page(entry))
        pages_free(direct_map(entry & PTE_ADDRESS), 1);
}
