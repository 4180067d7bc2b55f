// Reading and writing a user's memory.

#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/regions.h>
#include <kernel/string.h>

bool user_range(u64 address, size_t size)
{
    // LAB 4.5: A user's addresses end at USER_END. A sum of 64 bits has no room for a carry.
    u64 end;

    if (__builtin_add_overflow(address, size, &end))
        return false;
    return end <= USER_END;
}

size_t copy_from_user(void *to, u64 from, size_t size)
{
    size_t left = user_range(from, size) ? user_copy(to, (const void *)from, size) : size;

    if (left)
        memset((char *)to + size - left, 0, left);
    return left;
}

size_t copy_to_user(u64 to, const void *from, size_t size)
{
    return user_range(to, size) ? user_copy((void *)to, from, size) : size;
}

size_t clear_user(u64 to, size_t size)
{
    if (!user_range(to, size))
        return size;
    while (size) {
        size_t piece = size < PAGE_SIZE ? size : PAGE_SIZE;
        size_t left = user_copy((void *)to, zero_page, piece);

        to += piece - left;
        size -= piece - left;
        if (left)
            break;
    }
    return size;
}

long strncpy_from_user(char *to, u64 from, size_t size)
{
    for (size_t length = 0; length < size; length++) {
        if (copy_from_user(&to[length], from + length, 1))
            return -EFAULT;
        if (!to[length])
            return (long)length;
    }
    return (long)size;
}

// Like copy_from_user, but all or nothing.
static int get(void *to, u64 from, size_t size)
{
    if (!copy_from_user(to, from, size))
        return 0;
    memset(to, 0, size);
    return -EFAULT;
}

int user_get32(u64 address, u32 *value)
{
    return get(value, address, sizeof(*value));
}

int user_get64(u64 address, u64 *value)
{
    return get(value, address, sizeof(*value));
}

int user_put32(u64 address, u32 value)
{
    return copy_to_user(address, &value, sizeof(value)) ? -EFAULT : 0;
}

int user_put64(u64 address, u64 value)
{
    return copy_to_user(address, &value, sizeof(value)) ? -EFAULT : 0;
}
