// Page tables. In the kernel's no page is writable and executable, by any of its addresses.

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/panic.h>

u64 *kernel_tables;

static u64 *table_of(u64 entry)
{
    return direct_map(entry & PTE_ADDRESS);
}

static bool leads_to_table(u64 entry)
{
    return (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

// Whether an entry says where a page is, present or kept.
static bool is_mapped(u64 entry)
{
    return entry & (PTE_PRESENT | PTE_KEPT);
}

// Makes `entry`, which leads nowhere yet, lead to a new table; false when memory is out. Rights are
// decided in the leaves: tables grant all that the leaves below them may have.
static bool table_make(u64 *entry, u64 address)
{
    u64 *table;

    if (*entry & PTE_LARGE)
        panic("page tables: 4 KiB wanted where 2 MiB are mapped already, entry 0x%lx", *entry);
    table = pages_allocate(1);
    if (!table)
        return false;
    page_clear(table);
    *entry = direct_map_physical(table) | PTE_PRESENT | PTE_WRITABLE |
             (address < USER_END ? PTE_USER : 0);
    return true;
}

// The entry for `address` at `level`; NULL when memory is out.
static u64 *entry_at(u64 *tables, u64 address, int level)
{
    u64 *entry = &tables[table_index(address, TOP_LEVEL)];

    for (int below = TOP_LEVEL - 1; below >= level; below--) {
        if (!leads_to_table(*entry) && !table_make(entry, address))
            return NULL;
        entry = &table_of(*entry)[table_index(address, below)];
    }
    return entry;
}

static void map_or_panic(u64 address, u64 physical, u64 flags, int level)
{
    u64 *entry = entry_at(kernel_tables, address, level);

    if (!entry)
        panic("no memory left for page tables");
    *entry = physical | flags;
}

// Maps [start, end) of physical memory at `base` + physical, in large pages where they fit.
static void map_range(u64 base, u64 start, u64 end, u64 flags)
{
    while (start < end) {
        bool large = start % LARGE_PAGE_SIZE == 0 && end - start >= LARGE_PAGE_SIZE;

        map_or_panic(base + start, start, large ? flags | PTE_LARGE : flags,
                     large ? LARGE_LEVEL : LEAF_LEVEL);
        start += large ? LARGE_PAGE_SIZE : PAGE_SIZE;
    }
}

static void map_image(void)
{
    u64 code = image_physical(text_start), code_end = image_physical(text_end);
    u64 constants_end = image_physical(rodata_end), sealed = image_physical(sealed_end);
    u64 end = image_physical(kernel_end);
    u64 guard = image_physical(boot_stack_guard); // an overflow of the boot stack is a #PF

    map_range(KERNEL_BASE, code, code_end, KERNEL_TEXT);
    map_range(KERNEL_BASE, code_end, constants_end, KERNEL_CONSTANTS);
    map_range(KERNEL_BASE, constants_end, sealed, KERNEL_DATA);
    map_range(KERNEL_BASE, sealed, guard, KERNEL_DATA);
    map_range(KERNEL_BASE, guard + PAGE_SIZE, end, KERNEL_DATA);
}

static u64 least(u64 a, u64 b)
{
    return a < b ? a : b;
}

static u64 greatest(u64 a, u64 b)
{
    return a > b ? a : b;
}

// RAM only: a cacheable mapping of what is not RAM could reach a device. The direct map shows the
// image a second time; what is read-only there is read-only here. What paging_seal may seal has a
// range of its own, so that no large page has a part in it.
static void map_memory(u64 start, u64 end)
{
    u64 image = (u64)image_start, constants_end = image_physical(rodata_end);
    u64 sealed = image_physical(sealed_end);

    start = (start + PAGE_SIZE - 1) & -PAGE_SIZE;
    end &= -PAGE_SIZE;
    map_range(DIRECT_MAP_BASE, start, least(end, image), KERNEL_DATA);
    map_range(DIRECT_MAP_BASE, greatest(start, image), least(end, constants_end), KERNEL_CONSTANTS);
    map_range(DIRECT_MAP_BASE, greatest(start, constants_end), least(end, sealed), KERNEL_DATA);
    map_range(DIRECT_MAP_BASE, greatest(start, sealed), end, KERNEL_DATA);
}

void paging_initialise(void)
{
    kernel_tables = pages_allocate(1);
    if (!kernel_tables)
        panic("no memory left for page tables");
    page_clear(kernel_tables);
    for (size_t i = 0; i < boot_info.ranges; i++)
        map_memory(boot_info.range[i].start, boot_info.range[i].end);
    map_image();
    if (!entry_at(kernel_tables, DEVICES_BASE, LARGE_LEVEL) ||
        !entry_at(kernel_tables, STACKS_BASE, LARGE_LEVEL))
        panic("no memory left for page tables");
    write_cr3(direct_map_physical(kernel_tables));
    // A CR3 write keeps global entries (SDM vol. 3, section 4.10.4.1); the boot's had none.
}

u64 *paging_entry(u64 *tables, u64 address)
{
    u64 *table = tables;

    for (int level = TOP_LEVEL;; level--) {
        u64 *entry = &table[table_index(address, level)];
        if (!is_mapped(*entry))
            return NULL;
        if (level == LEAF_LEVEL || (*entry & PTE_LARGE))
            return entry;
        table = table_of(*entry);
    }
}

u64 paging_next(u64 *tables, u64 from, u64 to)
{
    while (from < to) {
        u64 *table = tables;
        int level = TOP_LEVEL;

        for (; level > LEAF_LEVEL && leads_to_table(table[table_index(from, level)]); level--)
            table = table_of(table[table_index(from, level)]);
        if (is_mapped(table[table_index(from, level)]))
            return from;
        from = (from & -table_span(level)) + table_span(level);
    }
    return to;
}

// The level-1 table where paging_map was last: who touches one page after the other finds them all there. A
// CPU does the same in its paging-structure caches, SDM vol. 3, section 4.10.3, and must forget likewise.
static struct {
    const u64 *tables;
    u64 part; // of the address space, in pages of LARGE_PAGE_SIZE
    u64 *leaf;
} last;

void paging_forget(const u64 *tables)
{
    if (last.tables == tables)
        last.tables = NULL;
}

// As paging_map, elsewhere than last time.
static __attribute__((noinline)) int map_elsewhere(u64 *tables, u64 address, u64 physical,
                                                   u64 flags)
{
    u64 *entry = entry_at(tables, address, LEAF_LEVEL);

    if (!entry)
        return -ENOMEM;
    last.tables = tables;
    last.part = address / LARGE_PAGE_SIZE;
    last.leaf = entry - table_index(address, LEAF_LEVEL);
    return paging_map(tables, address, physical, flags);
}

int paging_map(u64 *tables, u64 address, u64 physical, u64 flags)
{
    u64 *entry;

    if (tables != last.tables || address / LARGE_PAGE_SIZE != last.part)
        return map_elsewhere(tables, address, physical, flags);
    entry = &last.leaf[table_index(address, LEAF_LEVEL)];
    if (is_mapped(*entry))
        return -EEXIST;
    *entry = physical | flags; // a CPU keeps no entry that was not present: nothing to invalidate
    return 0;
}

int paging_reserve(u64 *tables, u64 address)
{
    return entry_at(tables, address, LEAF_LEVEL) ? 0 : -ENOMEM;
}

static u64 *page_entry(u64 *tables, u64 address)
{
    u64 *entry = paging_entry(tables, address);

    if (!entry || (*entry & PTE_LARGE))
        panic("page tables: no 4 KiB page at 0x%lx, to change its entry", address);
    return entry;
}

void paging_replace(u64 *tables, u64 address, u64 physical, u64 flags)
{
    *page_entry(tables, address) = physical | flags;
    invalidate_page(address);
}

void paging_protect(u64 *tables, u64 address, u64 flags)
{
    u64 *entry = page_entry(tables, address);

    *entry = (*entry & PTE_ADDRESS) | flags;
    invalidate_page(address);
}

void paging_seal(void)
{
    for (char *page = rodata_end; page != sealed_end; page += PAGE_SIZE) {
        paging_protect(kernel_tables, (u64)page, KERNEL_CONSTANTS);
        paging_protect(kernel_tables, (u64)direct_map(image_physical(page)), KERNEL_CONSTANTS);
    }
}

u64 paging_unmap(u64 *tables, u64 address)
{
    u64 *entry = paging_entry(tables, address);
    u64 before;

    if (!entry)
        return 0;
    if (*entry & PTE_LARGE)
        panic("page tables: 0x%lx lies in a page of 2 MiB, which is not unmapped", address);
    before = *entry;
    *entry = 0;
    invalidate_page(address);
    return before;
}

// Maps physical memory behind what was mapped so before, and returns where.
static u64 map_next(u64 physical, size_t size, u64 flags)
{
    static u64 next = DEVICES_BASE;
    u64 start = physical & -PAGE_SIZE, address = next;

    if (physical + size < physical || physical + size - start > REGIONS_BASE - next)
        panic("no room to map 0x%lx bytes at physical 0x%lx", size, physical);
    for (u64 page = start; page < physical + size; page += PAGE_SIZE) {
        map_or_panic(next, page, flags, LEAF_LEVEL);
        next += PAGE_SIZE;
    }
    return address + physical - start;
}

volatile void *device_map(u64 physical, size_t size)
{
    return (volatile void *)map_next(physical, size,
                                     KERNEL_DATA | PTE_UNCACHED | PTE_WRITE_THROUGH);
}

const void *firmware_map(u64 physical, size_t size)
{
    return (const void *)map_next(physical, size, KERNEL_CONSTANTS);
}
