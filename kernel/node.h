// Nodes: what a path names. They are made while the kernel starts and stay as they are from then on, so
// that whoever has found one may keep it: nothing here is ever written, renamed or deleted.
#pragma once

#include <arch/types.h>

#define NAME_LONGEST 255  // bytes of a name,
#define PATH_LONGEST 4095 // and of a path, without their NUL

// What kind of node it is, and who may do what: Linux's numbers, because programs see them too.
#define S_IFMT  0170000u
#define S_IFIFO 0010000u
#define S_IFCHR 0020000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u
#define S_MODES 0007777u // the rights, and three bits that say what running it means

struct file_operations;

struct node {
    const char *name;
    struct node *parent;   // the directory that it is in; of the root, the root
    struct node *children; // of a directory: what is in it, in the order in which it came,
    struct node *next;     // each with the next one
    u32 mode, owner, group;
    u32 inode;       // its number; no two nodes of a tree have the same
    u32 directories; // in this one
    u64 modified;    // in seconds since 1970
    u64 size;
    const char *data; // a file's bytes; for a symbolic link, where it leads, without a NUL,
    const char *(*leads)(void); // or a function that says so, with a NUL
    u32 device;                 // of a S_IFCHR: its major number * 256 + the minor one,
    const struct file_operations *operations; // and what it does when it is open
    struct node *older;                       // the node that was made before
};

static inline u32 node_kind(const struct node *node)
{
    return node->mode & S_IFMT;
}

// A root with what is below it. All nodes but the root come from the heap.
struct tree {
    struct node root;
    struct node *newest;
};

// The one that programs see. The kernel's own nodes are in it when INIT_FILES is over; archives join
// (kernel/initramfs.h).
extern struct tree root_tree;

// Makes `tree` a root and nothing else.
void tree_initialise(struct tree *tree);

// Adds a copy of `node` to `directory`: name, kind and contents are the caller's, all else is set here. A
// directory that is there already stays. 0; -EEXIST if the name is taken otherwise; -ENOTDIR; -ENOMEM.
int tree_add(struct tree *tree, struct node *directory, const struct node *node);

// Takes away every node that is newer than `last`; NULL leaves the root alone.
void tree_cut(struct tree *tree, const struct node *last);

// The node of that name in `directory`, or NULL.
struct node *node_child(const struct node *directory, const char *name, size_t length);

// Where the symbolic link leads, *length bytes.
const char *node_leads(const struct node *link, size_t *length);

// Writes the absolute path of a directory with its NUL to the end of [buffer, buffer + size), and returns where it
// begins; NULL if there is too little room.
char *node_path(const struct node *directory, char *buffer, size_t size);
