// Pages that come from a file: what mmap maps privately, the segments of an ELF file, flat programs.
#pragma once

#include <kernel/regions.h>

// For region->fill. `context` are the file's bytes, which stay where they are; a page holds those from
// `offset` on that are below `limit`, and zeroes.
int file_pages_fill(const struct region *region, u64 address, void *memory);
