// Trees of nodes.

#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/node.h>
#include <kernel/string.h>

void tree_initialise(struct tree *tree)
{
    *tree = (struct tree){ .root = { .name = "", .mode = S_IFDIR | 0755, .inode = 1 } };
    tree->root.parent = tree->newest = &tree->root;
}

// The link to this child of the directory; to NULL, which is where the next child belongs, if `child` is NULL.
static struct node **link_to(struct node *directory, const struct node *child)
{
    struct node **link = &directory->children;

    while (*link != child)
        link = &(*link)->next;
    return link;
}

int tree_add(struct tree *tree, struct node *directory, const struct node *node)
{
    const struct node *there;
    struct node *copy;

    if (node_kind(directory) != S_IFDIR)
        return -ENOTDIR;
    there = node_child(directory, node->name, strlen(node->name));
    if (there)
        return node_kind(there) == S_IFDIR && node_kind(node) == S_IFDIR ? 0 : -EEXIST;
    copy = heap_allocate(sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *node;
    copy->parent = directory;
    copy->children = NULL;
    copy->directories = 0;
    copy->inode = tree->newest->inode + 1;
    copy->older = tree->newest;
    copy->next = NULL;
    *link_to(directory, NULL) = tree->newest = copy;
    directory->directories += node_kind(node) == S_IFDIR;
    return 0;
}

// The newest node has no children, and is the last of its directory.
void tree_cut(struct tree *tree, const struct node *last)
{
    struct node *node;

    while ((node = tree->newest) != &tree->root && node != last) {
        *link_to(node->parent, node) = NULL;
        node->parent->directories -= node_kind(node) == S_IFDIR;
        tree->newest = node->older;
        heap_free(node);
    }
}

struct node *node_child(const struct node *directory, const char *name, size_t length)
{
    struct node *child = directory->children;

    while (child && (strncmp(child->name, name, length) != 0 || child->name[length]))
        child = child->next;
    return child;
}

const char *node_leads(const struct node *link, size_t *length)
{
    const char *text = link->leads ? link->leads() : link->data;

    *length = link->leads ? strlen(text) : link->size;
    return text;
}

char *node_path(const struct node *directory, char *buffer, size_t size)
{
    size_t at = size;

    if (size < sizeof("/"))
        return NULL;
    buffer[--at] = '\0';
    for (; directory != directory->parent; directory = directory->parent) {
        size_t length = strlen(directory->name);

        if (at <= length)
            return NULL;
        at -= length;
        memcpy(buffer + at, directory->name, length);
        buffer[--at] = '/';
    }
    if (at == size - 1)
        buffer[--at] = '/';
    return buffer + at;
}
