// The tree that programs see, with the nodes that the kernel itself puts there.

#include <kernel/file.h>
#include <kernel/files/devices.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/path.h>
#include <kernel/process.h>
#include <kernel/string.h>

struct tree root_tree;

static const char *own_program(void)
{
    return current_process()->exe;
}

// A directory stands before what is in it, which is one deeper.
static const struct row {
    unsigned depth;
    struct node node;
} rows[] = {
    { 0, { .name = "dev", .mode = S_IFDIR | 0755 } },
    { 1, { .name = "null", .mode = S_IFCHR | 0666, .device = 0x103, .operations = &device_null } },
    { 1, { .name = "zero", .mode = S_IFCHR | 0666, .device = 0x105, .operations = &device_zero } },
    { 1,
      { .name = "tty", .mode = S_IFCHR | 0666, .device = 0x500, .operations = &device_console } },
    { 1,
      { .name = "console",
        .mode = S_IFCHR | 0600,
        .device = 0x501,
        .operations = &device_console } },
    { 0, { .name = "proc", .mode = S_IFDIR | 0555 } },
    { 1, { .name = "self", .mode = S_IFDIR | 0555 } },
    { 2, { .name = "exe", .mode = S_IFLNK | 0777, .leads = own_program } },
};
enum { DEEPEST = 2 };

static void root_fill(void)
{
    struct node *directory[DEEPEST + 2] = { &root_tree.root };

    tree_initialise(&root_tree);
    for (size_t i = 0; i < array_length(rows); i++) {
        const struct node *node = &rows[i].node;
        unsigned depth = rows[i].depth;

        if (tree_add(&root_tree, directory[depth], node))
            panic("no memory for the node \"%s\"", node->name);
        directory[depth + 1] = node_child(directory[depth], node->name, strlen(node->name));
    }
}
INIT(INIT_FILES, root_fill);

struct file *file_console(void)
{
    static const char path[] = "/dev/console";
    const struct node *node;
    int error = path_find(&root_tree.root, path, 0, &node);

    if (error)
        panic("%s is not there", path);
    return file_open(node, O_RDWR);
}
