// Page tables of a program: the upper half is the kernel's, the lower half its own. SDM vol. 3, section 4.5.

#include <arch/paging.h>
#include <kernel/memory.h>

enum { HALF = TABLE_ENTRIES / 2 };

u64 *paging_new(void)
{
    u64 *tables = pages_allocate(1);

    if (!tables)
        return NULL;
    page_clear(tables);
    paging_forget(tables);
    for (unsigned i = HALF; i < TABLE_ENTRIES; i++)
        tables[i] = kernel_tables[i];
    return tables;
}

// The tables below `table`, of level `level`, in its first `entries` entries; no page is mapped any more.
static void free_below(u64 *table, int level, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        u64 *below = direct_map(table[i] & PTE_ADDRESS);

        if (!(table[i] & PTE_PRESENT))
            continue;
        if (level - 1 > LEAF_LEVEL)
            free_below(below, level - 1, TABLE_ENTRIES);
        pages_free(below, 1);
    }
}

void paging_free(u64 *tables)
{
    paging_forget(tables);
    free_below(tables, TOP_LEVEL, HALF);
    pages_free(tables, 1);
}
