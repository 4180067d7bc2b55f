// Page tables. SDM vol. 3, section 4.5 "4-Level Paging".
#pragma once

#include <arch/layout.h>
#include <arch/types.h>

#define PTE_PRESENT       (1ul << 0)
#define PTE_WRITABLE      (1ul << 1)
#define PTE_USER          (1ul << 2)
#define PTE_WRITE_THROUGH (1ul << 3)
#define PTE_UNCACHED      (1ul << 4) // PCD; with PWT it selects strong UC
#define PTE_ACCESSED      (1ul << 5)
#define PTE_DIRTY         (1ul << 6)
#define PTE_LARGE         (1ul << 7) // in a page directory: maps 2 MiB itself
#define PTE_GLOBAL        (1ul << 8)
#define PTE_KEPT          (1ul << 9) // the CPU ignores it: not present, but the page in it is kept
#define PTE_NO_EXECUTE    (1ul << 63)
#define PTE_ADDRESS       0x000ffffffffff000ul

#define TABLE_ENTRIES 512

// Levels of the tables, as the manuals count them. An entry with PTE_LARGE maps 2 MiB, or 1 GiB.
enum { LEAF_LEVEL = 1, LARGE_LEVEL = 2, HUGE_LEVEL = 3, TOP_LEVEL = 4 };

// The index of the entry for `address` in a table of `level`, and how much one entry there spans.
static inline unsigned table_index(u64 address, int level)
{
    return address >> (12 + 9 * (level - LEAF_LEVEL)) & (TABLE_ENTRIES - 1);
}

static inline u64 table_span(int level)
{
    return PAGE_SIZE << 9 * (level - LEAF_LEVEL);
}

// The rights of the kernel's own pages.
#define KERNEL_TEXT      (PTE_PRESENT | PTE_GLOBAL)
#define KERNEL_CONSTANTS (PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE)
#define KERNEL_DATA      (PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE | PTE_WRITABLE)

// The kernel's level-4 table, in the direct map. Its upper half never gains an entry after boot, so
// whoever copies that half shares all that the kernel will ever map.
extern u64 *kernel_tables;

// Builds the final page tables and loads them: RAM in the direct map, writable and not executable;
// the image with code read-only, data not executable; nothing in the low half. Needs the page
// allocator; a machine without enough memory for the tables is a panic.
void paging_initialise(void);

// The entry below the level-4 table `tables` that maps `address`, or keeps a page for it; or NULL.
u64 *paging_entry(u64 *tables, u64 address);

// The first address in [from, to), multiples of PAGE_SIZE, that has such an entry; `to` if none has. What
// has no table is passed in one step.
u64 paging_next(u64 *tables, u64 from, u64 to);

// Maps the page at `address` to `physical` (both multiples of PAGE_SIZE) with the bits `flags`. Returns 0;
// -EEXIST where an entry is already, which stays as it is; -ENOMEM without a page for a table. To be called
// under memory_lock, or in a page fault.
int paging_map(u64 *tables, u64 address, u64 physical, u64 flags);

// Makes the tables that lead to `address`, so that paging_map there needs no memory. 0 or -ENOMEM.
int paging_reserve(u64 *tables, u64 address);

// Puts another page, with other bits, where one is mapped, on this CPU at once.
void paging_replace(u64 *tables, u64 address, u64 physical, u64 flags);

// Gives the mapped page at `address` other bits, its physical address kept, on this CPU at once.
void paging_protect(u64 *tables, u64 address, u64 flags);

// Makes read-only, by all its addresses, what the kernel writes only while it starts: the image from
// rodata_end to sealed_end.
void paging_seal(void);

// Unmaps the page at `address` on this CPU at once. Returns its old entry, 0 if it had none.
u64 paging_unmap(u64 *tables, u64 address);

// The tables at `tables`, level 4, are new, or will go.
void paging_forget(const u64 *tables);

// New tables for a program: nothing in the low half, the kernel's upper half. NULL when memory is out.
u64 *paging_new(void);

// Gives them back, when nothing is mapped in the low half any more and no CPU uses them.
void paging_free(u64 *tables);

// Zeroes the page at `page`.
static inline void page_clear(void *page)
{
    size_t words = TABLE_ENTRIES;

    asm volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0ul) : "memory");
}

// Copies a page to a page.
static inline void page_copy(void *to, const void *from)
{
    size_t words = TABLE_ENTRIES;

    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
}

// Maps physical memory that is no RAM, of any alignment, where the kernel can use it: a device's
// registers, uncached. It stays mapped. No room or no memory for tables is a panic.
volatile void *device_map(u64 physical, size_t size);

// The same for what the firmware has left in memory, its tables: read-only and cached. An address
// that is no memory's does no harm by that: the MTRRs say that it is uncached, and they win. SDM
// vol. 3, section 12.5.2.2.
const void *firmware_map(u64 physical, size_t size);
