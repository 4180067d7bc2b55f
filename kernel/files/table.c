// Descriptors.

#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/heap.h>

struct files *files_new(void)
{
    struct files *files = heap_allocate(sizeof(*files));

    if (files)
        *files = (struct files){ .directory = &root_tree.root };
    return files;
}

struct files *files_copy(const struct files *files)
{
    struct files *copy = heap_allocate(sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *files;
    for (unsigned fd = 0; fd < FILES_MOST; fd++)
        if (copy->file[fd])
            copy->file[fd]->users++;
    return copy;
}

// Closes those of the descriptors whose bit is set.
static void close_some(struct files *files, u64 which)
{
    for (unsigned fd = 0; fd < FILES_MOST; fd++)
        if (which >> fd & 1)
            files_close(files, (int)fd);
}

void files_free(struct files *files)
{
    close_some(files, ~0ul);
    heap_free(files);
}

void files_exec(struct files *files)
{
    close_some(files, files->closing);
}

void files_set(struct files *files, unsigned fd, struct file *file, bool closing)
{
    struct file *before = files->file[fd];

    files->file[fd] = file;
    files->closing = (files->closing & ~(1ul << fd)) | (u64)closing << fd;
    file_put(before);
}

int files_lowest(const struct files *files, unsigned lowest)
{
    for (unsigned fd = lowest; fd < FILES_MOST; fd++)
        if (!files->file[fd])
            return (int)fd;
    return -EMFILE;
}

int files_add(struct files *files, struct file *file, unsigned lowest, bool closing)
{
    int fd = files_lowest(files, lowest);

    if (fd >= 0)
        files_set(files, (unsigned)fd, file, closing);
    return fd;
}

struct file *files_get(const struct files *files, int fd)
{
    struct file *file = (unsigned)fd < FILES_MOST ? files->file[fd] : NULL;

    if (file)
        file->users++;
    return file;
}

int files_close(struct files *files, int fd)
{
    if ((unsigned)fd >= FILES_MOST || !files->file[fd])
        return -EBADF;
    files_set(files, (unsigned)fd, NULL, false);
    return 0;
}
