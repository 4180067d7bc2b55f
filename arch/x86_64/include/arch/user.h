// Reading and writing a user's memory. A user's address is a number here and never a pointer, so that
// nobody follows it by mistake; every access goes through the functions below.
#pragma once

#include <arch/features.h>
#include <arch/types.h>

// Between these two the kernel may touch a user's pages. SDM vol. 3, section 4.6.1 "Determination of
// Access Rights": with CR4.SMAP a kernel's access to a user's page faults unless RFLAGS.AC is set. Without
// SMAP there is neither STAC nor CLAC.
static inline void user_access_begin(void)
{
    if (features.smap)
        asm volatile("stac" ::: "memory", "cc");
}

static inline void user_access_end(void)
{
    if (features.smap)
        asm volatile("clac" ::: "memory", "cc");
}

// Whether [address, address + size) is a user's: none of the kernel's, and no wrapping around.
bool user_range(u64 address, size_t size);

// Copies and zeroes, and returns the number of bytes at the end that it could not, exactly; 0 is
// success. (Linux's functions of these names do the same.) A range that is not a user's is refused as a
// whole. What copy_from_user could not read is zeroed in `to`, so that no old bytes get out by it.
size_t copy_from_user(void *to, u64 from, size_t size);
size_t copy_to_user(u64 to, const void *from, size_t size);
size_t clear_user(u64 to, size_t size);

// Copies a string with its NUL and returns its length; `size` if there is no NUL in that many bytes,
// and then `to` has none; -EFAULT if a byte of it cannot be read.
long strncpy_from_user(char *to, u64 from, size_t size);

// One value. 0, or -EFAULT: then `*value` is 0, or nothing is written.
int user_get32(u64 address, u32 *value);
int user_get64(u64 address, u64 *value);
int user_put32(u64 address, u32 value);
int user_put64(u64 address, u64 value);

// Copies `size` bytes up to the first that faults, on either side, and returns how many are left: a bad
// address of the kernel's looks like one of the user's. The window for user access is open meanwhile.
// Looks at no address; copy_from_user does. copy.asm.
size_t user_copy(void *to, const void *from, size_t size);
