// Making cpio archives, for the tests of what reads them.
#pragma once

#include <arch/types.h>

enum { ARCHIVE_ROOM = 16384, ARCHIVE_HEADER = 110 };
enum { AT_MODE = 1, AT_LINKS = 4, AT_SIZE = 6, AT_NAME_SIZE = 11 }; // which of an entry's fields

extern char archive[ARCHIVE_ROOM];
extern size_t archive_size;

// Adds an entry, and returns its offset. `mode` says what kind it is, `text` what is in it.
size_t archive_put(const char *path, u32 mode, const char *text);
void archive_end(void);

// Changes a field of the entry at that offset.
void archive_set(size_t entry, unsigned field, u32 value);
