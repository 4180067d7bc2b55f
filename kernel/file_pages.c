// Pages that come from a file.

#include <kernel/file_pages.h>
#include <kernel/string.h>

int file_pages_fill(const struct region *region, u64 address, void *memory)
{
    const char *file = region->context;
    u64 offset = region->offset + (address - region->start);
    u64 left = offset < region->limit ? region->limit - offset : 0;

    memcpy(memory, file + offset, left < PAGE_SIZE ? left : PAGE_SIZE);
    return 0;
}
