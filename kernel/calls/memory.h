// What programs say about memory: Linux's numbers.
#pragma once

#include <arch/layout.h>
#include <kernel/regions.h>

// Linux gives no program the last page of its half: behind a SYSCALL at its end RIP would not be canonical.
#define MEMORY_END (USER_END - PAGE_SIZE)
// The least address that mmap gives: a null pointer, and what is near to one, leads nowhere.
#define MEMORY_START 0x10000ul

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_TYPE            0x0f
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_32BIT           0x40 // below 2 GiB
#define MAP_NORESERVE       0x4000
#define MAP_HUGETLB         0x40000
#define MAP_FIXED_NOREPLACE 0x100000

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2

#define MADV_DONTNEED 4

// The rights of a region for these bits PROT_... . What can be written or executed can be read, too.
static inline unsigned memory_rights(unsigned protection)
{
    return ACCESS_USER | (protection ? ACCESS_READ : 0) |
           (protection & PROT_WRITE ? ACCESS_WRITE : 0) |
           (protection & PROT_EXEC ? ACCESS_EXECUTE : 0);
}
