// The kernel's page tables: no page is writable and executable, by any of its addresses.

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/string.h>

enum { LEAF_LEVEL = 0, LARGE_LEVEL = 1, TOP_LEVEL = 3 };

#define CODE      (PTE_PRESENT | PTE_GLOBAL)
#define READ_ONLY (PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE)
#define DATA      (PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE | PTE_WRITABLE)

static u64 *kernel_tables; // the level-4 table, in the direct map

static unsigned index_at(u64 address, int level)
{
    return address >> (12 + 9 * level) & (TABLE_ENTRIES - 1);
}

static u64 *table_new(void)
{
    u64 *table = pages_allocate(1);

    if (!table)
        panic("no memory left for page tables");
    return memset(table, 0, PAGE_SIZE);
}

static u64 *table_of(u64 entry)
{
    return direct_map(entry & PTE_ADDRESS);
}

// The table one level down. Rights are decided in the leaves; tables grant all that ring 0 may have.
static u64 *table_below(u64 *entry)
{
    if (*entry & PTE_LARGE)
        panic("page tables: 4 KiB wanted where 2 MiB are mapped already, entry 0x%lx", *entry);
    if (!(*entry & PTE_PRESENT))
        *entry = direct_map_physical(table_new()) | PTE_PRESENT | PTE_WRITABLE;
    return table_of(*entry);
}

static void map_page(u64 address, u64 physical, u64 flags, int leaf_level)
{
    u64 *table = kernel_tables;

    for (int level = TOP_LEVEL; level > leaf_level; level--)
        table = table_below(&table[index_at(address, level)]);
    table[index_at(address, leaf_level)] = physical | flags;
}

// Maps [start, end) of physical memory at `base` + physical, in large pages where they fit.
static void map_range(u64 base, u64 start, u64 end, u64 flags)
{
    while (start < end) {
        bool large = start % LARGE_PAGE_SIZE == 0 && end - start >= LARGE_PAGE_SIZE;

        map_page(base + start, start, large ? flags | PTE_LARGE : flags,
                 large ? LARGE_LEVEL : LEAF_LEVEL);
        start += large ? LARGE_PAGE_SIZE : PAGE_SIZE;
    }
}

static void map_image(void)
{
    u64 code = image_physical(text_start), code_end = image_physical(text_end);
    u64 constants_end = image_physical(rodata_end), end = image_physical(kernel_end);
    u64 guard = image_physical(boot_stack_guard); // an overflow of the boot stack is a #PF

    map_range(KERNEL_BASE, code, code_end, CODE);
    map_range(KERNEL_BASE, code_end, constants_end, READ_ONLY);
    map_range(KERNEL_BASE, constants_end, guard, DATA);
    map_range(KERNEL_BASE, guard + PAGE_SIZE, end, DATA);
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
// image a second time; what is read-only there is read-only here.
static void map_memory(u64 start, u64 end)
{
    u64 image = (u64)image_start, constants_end = image_physical(rodata_end);

    start = (start + PAGE_SIZE - 1) & -PAGE_SIZE;
    end &= -PAGE_SIZE;
    map_range(DIRECT_MAP_BASE, start, least(end, image), DATA);
    map_range(DIRECT_MAP_BASE, greatest(start, image), least(end, constants_end), READ_ONLY);
    map_range(DIRECT_MAP_BASE, greatest(start, constants_end), end, DATA);
}

void paging_initialise(void)
{
    kernel_tables = table_new();
    for (size_t i = 0; i < boot_info.ranges; i++)
        map_memory(boot_info.range[i].start, boot_info.range[i].end);
    map_image();
    write_cr3(direct_map_physical(kernel_tables));
    // A CR3 write keeps global entries (SDM vol. 3, section 4.10.4.1); the boot's had none.
}

u64 *paging_entry(u64 address)
{
    u64 *table = kernel_tables;

    for (int level = TOP_LEVEL;; level--) {
        u64 *entry = &table[index_at(address, level)];
        if (!(*entry & PTE_PRESENT))
            return NULL;
        if (level == LEAF_LEVEL || (*entry & PTE_LARGE))
            return entry;
        table = table_of(*entry);
    }
}
