// Programs by their names: from the archive in the image and from those that the loader has brought along.

#include <arch/boot.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/file.h>
#include <kernel/init.h>
#include <kernel/initramfs.h>
#include <kernel/panic.h>
#include <kernel/path.h>

extern const char image_archive[], image_archive_end[]; // archive.asm

static void add(const void *archive, size_t size, const char *whose)
{
    struct initramfs_problem problem;

    if (initramfs_add(&root_tree, archive, size, &problem))
        panic("%s archive of files, entry \"%s\" at byte %zu: %s", whose, problem.path, problem.at,
              problem.what);
}

static void archives_add(void)
{
    add(image_archive, (u64)image_archive_end - (u64)image_archive, "the image's");
    for (size_t i = 0; i < boot_info.modules; i++) {
        const struct memory_range *module = &boot_info.module[i];

        add(direct_map(module->start), module->end - module->start, "the loader's");
    }
}
INIT(INIT_ARCHIVES, archives_add);

int process_exec(struct task *task, const char *path, const char *const argv[],
                 const char *const envp[])
{
    struct exec exec = { .path = path, .argv = argv, .envp = envp };
    const struct node *node;
    int error = path_find(&root_tree.root, path, 0, &node);

    if (error)
        return error;
    if (node_kind(node) != S_IFREG || !(node->mode & 0111))
        return -EACCES;
    exec.file = node->data;
    exec.size = node->size;
    return exec_load(task, &exec);
}
