// Reading memory that may not be there.
#pragma once

#include <arch/types.h>

// Reads the 8 bytes at `address`, whatever it is: not mapped, not canonical, not aligned, or behind broken
// page tables. 0, or -EFAULT with *value 0. It only looks: no page comes on demand, and no window opens
// to a user's pages. So it may be called anywhere, from an NMI or a panic too.
int read_safe(u64 address, u64 *value);
