// Reading a cpio archive of the newc format. An entry is a header of 110 characters, its path with a NUL, and its
// bytes; each of the two ends with zeroes up to a multiple of 4. Nothing is believed: whoever made the archive
// may be an enemy.

#include <kernel/errno.h>
#include <kernel/initramfs.h>
#include <kernel/string.h>

enum { DIGITS = 8, ALIGNMENT = 4, LINK_LONGEST = PATH_LONGEST };

static const char magic[6] = "070701", trailer[] = "TRAILER!!!";

// The header's fields, in their order, eight hexadecimal digits each.
enum field {
    INODE,
    MODE,
    OWNER,
    GROUP,
    LINKS,
    MODIFIED,
    SIZE,
    MAJOR,
    MINOR,
    DEVICE_MAJOR,
    DEVICE_MINOR,
    NAME_SIZE,
    CHECK,
    FIELDS
};

struct header {
    char magic[sizeof(magic)];
    char field[FIELDS][DIGITS];
};
static_assert(sizeof(struct header) == 110, "newc");

struct reader {
    const char *archive;
    size_t size, at; // at <= size
    u32 field[FIELDS];
    const char *path, *data;
    struct initramfs_problem *problem;
};

static int wrong(struct reader *reader, int error, const char *problem)
{
    reader->problem->what = problem;
    return error;
}

// The next `size` bytes of the archive, or NULL.
static const void *take(struct reader *reader, size_t size)
{
    const char *here = reader->archive + reader->at;

    if (size > reader->size - reader->at)
        return NULL;
    reader->at += size;
    return here;
}

// Over zeroes, up to the next entry's place.
static bool align(struct reader *reader)
{
    const char *zeroes = take(reader, -reader->at % ALIGNMENT);

    while (zeroes && zeroes < reader->archive + reader->at)
        if (*zeroes++)
            return false;
    return zeroes;
}

static bool read_number(const char digits[DIGITS], u32 *value)
{
    *value = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        char c = digits[i];
        u32 digit = c >= '0' && c <= '9'   ? (u32)(c - '0')
                    : c >= 'a' && c <= 'f' ? (u32)(c - 'a' + 10)
                    : c >= 'A' && c <= 'F' ? (u32)(c - 'A' + 10)
                                           : 16;

        if (digit == 16)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static int read_entry(struct reader *reader)
{
    const struct header *header = take(reader, sizeof(*header));
    u32 length;

    if (!header)
        return wrong(reader, -EINVAL, "it ends before its trailer");
    if (memcmp(header->magic, magic, sizeof(magic)) != 0)
        return wrong(reader, -EINVAL, "no \"070701\" where an entry should begin");
    for (unsigned i = 0; i < FIELDS; i++)
        if (!read_number(header->field[i], &reader->field[i]))
            return wrong(reader, -EINVAL, "a field is not eight hexadecimal digits");
    length = reader->field[NAME_SIZE];
    if (length < 2 || length > PATH_LONGEST + 1)
        return wrong(reader, -EINVAL, "a name of impossible length");
    reader->path = take(reader, length);
    if (!reader->path)
        return wrong(reader, -EINVAL, "a name that goes on behind the end");
    for (u32 i = 0; i < length; i++)
        if (!reader->path[i] != (i == length - 1))
            return wrong(reader, -EINVAL, "a name whose NUL is not its last byte");
    if (!align(reader))
        return wrong(reader, -EINVAL, "no zeroes behind a name");
    reader->data = take(reader, reader->field[SIZE]);
    if (!reader->data)
        return wrong(reader, -EINVAL, "contents that go on behind the end");
    if (!align(reader))
        return wrong(reader, -EINVAL, "no zeroes behind contents");
    return 0;
}

static bool ends(const struct reader *reader)
{
    return reader->field[NAME_SIZE] == sizeof(trailer) && !strcmp(reader->path, trailer);
}

static const char *next_slash(const char *path)
{
    while (*path && *path != '/')
        path++;
    return path;
}

// The directory that `path` is in, and *name, its last name; for the root that name is ".".
static int find_place(struct reader *reader, struct tree *tree, const char **name,
                      struct node **directory)
{
    const char *at = reader->path, *slash;

    if (at[0] == '.' && at[1] == '/')
        at += 2;
    *directory = &tree->root;
    for (;; at = slash + 1) {
        size_t length;

        slash = next_slash(at);
        length = (size_t)(slash - at);
        if (!length || length > NAME_LONGEST)
            return wrong(reader, -EINVAL, "a name of no or too many bytes");
        if (length == 2 && at[0] == '.' && at[1] == '.')
            return wrong(reader, -EINVAL, "a path with \"..\"");
        if (length == 1 && at[0] == '.' && strcmp(reader->path, ".") != 0)
            return wrong(reader, -EINVAL, "a path with \".\"");
        if (!*slash)
            break;
        *directory = node_child(*directory, at, length);
        if (!*directory)
            return wrong(reader, -ENOENT, "a path whose directory is not there");
        if (node_kind(*directory) != S_IFDIR)
            return wrong(reader, -ENOTDIR, "a path through what is no directory");
    }
    *name = at;
    return 0;
}

// What an entry of this kind may be like.
static int check_kind(struct reader *reader)
{
    u32 mode = reader->field[MODE], size = reader->field[SIZE];

    if (mode & ~(S_IFMT | S_MODES))
        return wrong(reader, -EINVAL, "a mode with unknown bits");
    switch (mode & S_IFMT) {
    case S_IFREG:
        if (reader->field[LINKS] > 1)
            return wrong(reader, -EINVAL, "a file with several names (a hard link)");
        return 0;
    case S_IFDIR:
        return size ? wrong(reader, -EINVAL, "a directory with contents") : 0;
    case S_IFLNK:
        if (!size || size > LINK_LONGEST)
            return wrong(reader, -EINVAL, "a symbolic link of impossible length");
        for (u32 i = 0; i < size; i++)
            if (!reader->data[i])
                return wrong(reader, -EINVAL, "a symbolic link with a NUL in it");
        return 0;
    default:
        return wrong(reader, -EINVAL, "neither file nor directory nor symbolic link");
    }
}

static int add_entry(struct reader *reader, struct tree *tree)
{
    struct node *directory, node = {
        .mode = reader->field[MODE],
        .owner = reader->field[OWNER],
        .group = reader->field[GROUP],
        .modified = reader->field[MODIFIED],
        .size = reader->field[SIZE],
        .data = reader->data,
    };
    int error = check_kind(reader);

    if (!error)
        error = find_place(reader, tree, &node.name, &directory);
    if (error)
        return error;
    if (!strcmp(node.name, "."))
        return node_kind(&node) == S_IFDIR ? 0 : wrong(reader, -EEXIST, "the root twice");
    error = tree_add(tree, directory, &node);
    return error == -EEXIST ? wrong(reader, error, "a name twice")
           : error          ? wrong(reader, error, "no memory left")
                            : 0;
}

// Behind the trailer there is nothing but zeroes.
static int check_rest(struct reader *reader)
{
    for (; reader->at < reader->size; reader->at++)
        if (reader->archive[reader->at])
            return wrong(reader, -EINVAL, "something behind the trailer");
    return reader->field[SIZE] ? wrong(reader, -EINVAL, "a trailer with contents") : 0;
}

int initramfs_add(struct tree *tree, const void *archive, size_t size,
                  struct initramfs_problem *problem)
{
    struct reader reader = { .archive = archive, .size = size, .problem = problem };
    const struct node *last = tree->newest;
    int error;

    for (;;) {
        *problem = (struct initramfs_problem){ .path = "", .at = reader.at };
        error = read_entry(&reader);
        if (error || ends(&reader))
            break;
        problem->path = reader.path;
        error = add_entry(&reader, tree);
        if (error)
            break;
    }
    if (!error)
        error = check_rest(&reader);
    if (error)
        tree_cut(tree, last);
    return error;
}
