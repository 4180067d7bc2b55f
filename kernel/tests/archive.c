// Making cpio archives.

#include <kernel/string.h>
#include <kernel/tests/archive.h>

enum { FIELDS = 13, OWNER = 2, GROUP = 3, MODIFIED = 5 };

char archive[ARCHIVE_ROOM] aligned_to(16);
size_t archive_size;

static void put(const void *bytes, size_t size)
{
    memcpy(archive + archive_size, bytes, size);
    archive_size += size;
    while (archive_size % 4)
        archive[archive_size++] = '\0';
}

void archive_set(size_t entry, unsigned field, u32 value)
{
    char *digits = archive + entry + 6 + 8 * field;

    for (unsigned i = 8; i--; value >>= 4)
        digits[i] = "0123456789abcdef"[value & 15];
}

size_t archive_put(const char *path, u32 mode, const char *text)
{
    const u32 fields[FIELDS] = {
        [AT_MODE] = mode,
        [OWNER] = 1000,
        [GROUP] = 100,
        [AT_LINKS] = 1,
        [MODIFIED] = 1234567890,
        [AT_SIZE] = (u32)strlen(text),
        [AT_NAME_SIZE] = (u32)strlen(path) + 1,
    };
    char header[ARCHIVE_HEADER + 256] = "070701";
    size_t entry = archive_size;

    memcpy(header + ARCHIVE_HEADER, path, strlen(path) + 1);
    put(header, ARCHIVE_HEADER + strlen(path) + 1);
    put(text, strlen(text));
    for (unsigned i = 0; i < FIELDS; i++)
        archive_set(entry, i, fields[i]);
    return entry;
}

void archive_end(void)
{
    archive_put("TRAILER!!!", 0, "");
}
