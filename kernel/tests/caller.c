// A program that makes system calls.

#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/initramfs.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/archive.h>
#include <kernel/tests/caller.h>

static struct task *task;
static const struct node *last;
static struct file *capture;
char caller_seen[PAGE_SIZE];

// What capture_text says.
const char *caller_written(size_t *size)
{
    bool lost;

    return capture_text(capture, size, &lost);
}

void caller_begin(const char *input)
{
    const struct region regions[] = {
        { .start = MEMORY, .end = READ_ONLY, .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE },
        { .start = READ_ONLY, .end = NOTHING, .rights = ACCESS_USER | ACCESS_READ },
    };
    struct initramfs_problem problem;

    archive_size = 0;
    archive_put("box", S_IFDIR | 0755, "");
    archive_put("box/motd", S_IFREG | 0644, "Welcome to Gatehouse\n");
    archive_put("box/tool", S_IFREG | 0755, "#!");
    archive_put("box/link", S_IFLNK | 0777, "motd");
    archive_put("box/dangling", S_IFLNK | 0777, "missing");
    archive_put("box/sub", S_IFDIR | 0755, "");
    archive_end();
    last = root_tree.newest;
    report_error(initramfs_add(&root_tree, archive, archive_size, &problem), 0, "an archive");
    task = process_new("the program");
    capture = capture_new(input, strlen(input), 4096);
    capture->users++;
    files_set(task->process->files, 1, capture, false);
    for (size_t i = 0; i < array_length(regions); i++)
        report_error(region_add(task->space, &regions[i]), 0, "memory");
    this_cpu()->current = task;
    space_switch(task->space);
}

void caller_end(void)
{
    space_switch(&kernel_space);
    this_cpu()->current = NULL;
    process_free(task);
    file_put(capture);
    tree_cut(&root_tree, last);
}

// The address of this path in the program's memory.
u64 caller_path(const char *text)
{
    report_count(copy_to_user(PATHS, text, strlen(text) + 1), 0, "bytes of a path not copied");
    return PATHS;
}

long caller_open(const char *name, int flags)
{
    return sys_open(caller_path(name), flags, 0644);
}

const char *caller_memory(u64 address, size_t size)
{
    report_count(copy_from_user(caller_seen, address, size), 0, "bytes not copied back");
    return caller_seen;
}

void caller_expect(u64 address, const char *text, const char *what)
{
    report(!memcmp(caller_memory(address, strlen(text)), text, strlen(text)), "%s: the bytes",
           what);
}
