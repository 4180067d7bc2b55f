// Paths: from a name to the node that has it.
#pragma once

#include <kernel/node.h>

#define PATH_LINKS 40 // as many symbolic links may be met on a way

enum path_flags {
    PATH_NO_FOLLOW = 1 << 0, // if the last name is a symbolic link's, the link itself is meant
};

// The node that `path` names; one that does not begin with `/` begins at the directory `from`. 0, and *found
// is the node; -ENOENT if something has no such name: then *found is the directory in which the last name is
// missing, so that it could be made there, else NULL; -ENOTDIR where a name follows what is no directory;
// -ENAMETOOLONG for a name that no node could have; -ELOOP for too many symbolic links.
int path_find(const struct node *from, const char *path, unsigned flags, const struct node **found);
