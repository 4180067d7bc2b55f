// Reading memory that may not be there.
#pragma once

#include <arch/types.h>

// Reads the 8 bytes at `address`, whatever it is: not mapped, not canonical, not aligned. 0, or -EFAULT
// with *value 0. It opens no window to a user's pages.
int read_safe(u64 address, u64 *value);
