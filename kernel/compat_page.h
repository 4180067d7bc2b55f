// The page that 32-bit programs call (<arch/compat.h>).
#pragma once

#include <kernel/regions.h>

// Adds it to an address space. 0, -EEXIST or -ENOMEM.
int compat_page_map(struct address_space *space);

// The address in a program of the best way into the kernel that this CPU has: AT_SYSINFO.
u64 compat_page_entry(void);
