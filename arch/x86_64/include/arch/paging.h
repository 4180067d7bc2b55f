// The kernel's page tables. SDM vol. 3, section 4.5 "4-Level Paging".
#pragma once

#include <arch/types.h>

#define PTE_PRESENT    (1ul << 0)
#define PTE_WRITABLE   (1ul << 1)
#define PTE_USER       (1ul << 2)
#define PTE_ACCESSED   (1ul << 5)
#define PTE_DIRTY      (1ul << 6)
#define PTE_LARGE      (1ul << 7) // in a page directory: maps 2 MiB itself
#define PTE_GLOBAL     (1ul << 8)
#define PTE_NO_EXECUTE (1ul << 63)
#define PTE_ADDRESS    0x000ffffffffff000ul

#define TABLE_ENTRIES 512

// Builds the final page tables and loads them: RAM in the direct map, writable and not executable;
// the image with code read-only, data not executable; nothing in the low half. Needs the page
// allocator; a machine without enough memory for the tables is a panic.
void paging_initialise(void);

// The entry that maps `address`, or NULL if nothing does.
u64 *paging_entry(u64 address);
