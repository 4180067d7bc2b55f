// The page that 32-bit programs call, in their address spaces.

#include <arch/compat.h>
#include <arch/paging.h>
#include <kernel/compat_page.h>

static int fill(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    page_copy(memory, compat_page);
    return 0;
}

int compat_page_map(struct address_space *space)
{
    const struct region page = {
        .start = COMPAT_PAGE,
        .end = COMPAT_PAGE + PAGE_SIZE,
        .rights = ACCESS_USER | ACCESS_READ | ACCESS_EXECUTE,
        .fill = fill,
    };

    return region_add(space, &page);
}

u64 compat_page_entry(void)
{
    static const char *const ways[] = {
        [COMPAT_INT80] = compat_page_int80,
        [COMPAT_SYSENTER] = compat_page_sysenter,
        [COMPAT_SYSCALL] = compat_page_syscall,
    };

    return compat_page_address(ways[compat_door()]);
}
