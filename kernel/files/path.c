// Following a path. What is still to be walked is a stack: a symbolic link's text comes on top of the rest of
// the path that led to it, so nothing is copied and nothing recurses.

#include <kernel/errno.h>
#include <kernel/path.h>
#include <kernel/string.h>

struct rest {
    const char *at, *end;
    bool slash; // one follows the name that was taken last
};

struct walk {
    struct rest rest[1 + PATH_LINKS];
    unsigned depth, links; // texts on the stack; links met so far
};

struct name {
    const char *start;
    size_t length;
};

static bool skip_slashes(struct rest *rest)
{
    const char *start = rest->at;

    while (rest->at < rest->end && *rest->at == '/')
        rest->at++;
    return rest->at != start;
}

// Whether a name is left; if so, it is taken.
static bool take(struct walk *walk, struct name *name)
{
    struct rest *rest = walk->rest + walk->depth - 1;

    while (walk->depth && rest->at == rest->end) {
        walk->depth--;
        rest--;
    }
    if (!walk->depth)
        return false;
    name->start = rest->at;
    while (rest->at < rest->end && *rest->at != '/')
        rest->at++;
    name->length = (size_t)(rest->at - name->start);
    rest->slash = skip_slashes(rest);
    return true;
}

// Whether no name is left, in no text; and whether a slash follows the one that was taken last: then it must
// be a directory's. Behind a link's name it is one behind the last name of the link's text, too.
static bool is_last(const struct walk *walk, bool *slash)
{
    *slash = false;
    for (unsigned i = 0; i < walk->depth; i++) {
        if (walk->rest[i].at != walk->rest[i].end)
            return false;
        *slash |= walk->rest[i].slash;
    }
    return true;
}

static const struct node *root_of(const struct node *node)
{
    while (node != node->parent)
        node = node->parent;
    return node;
}

// Puts a text on the stack. Where its way begins; NULL if it is empty.
static const struct node *begin(struct walk *walk, const struct node *from, const char *text,
                                size_t length)
{
    struct rest *rest = &walk->rest[walk->depth++];

    *rest = (struct rest){ .at = text, .end = text + length };
    if (!length)
        return NULL;
    return skip_slashes(rest) ? root_of(from) : from;
}

static const struct node *child(const struct node *at, const struct name *name)
{
    if (name->length == 1 && name->start[0] == '.')
        return at;
    if (name->length == 2 && name->start[0] == '.' && name->start[1] == '.')
        return at->parent;
    return node_child(at, name->start, name->length);
}

int path_find(const struct node *from, const char *path, unsigned flags, const struct node **found)
{
    struct walk walk = { .depth = 0 };
    const struct node *at = begin(&walk, from, path, strlen(path)), *next;
    bool last, slash = false;
    struct name name;

    *found = NULL;
    while (at && take(&walk, &name)) {
        last = is_last(&walk, &slash);
        if (node_kind(at) != S_IFDIR)
            return -ENOTDIR;
        if (name.length > NAME_LONGEST)
            return -ENAMETOOLONG;
        next = child(at, &name);
        if (!next) {
            *found = last ? at : NULL;
            return -ENOENT;
        }
        if (node_kind(next) == S_IFLNK && !(last && !slash && flags & PATH_NO_FOLLOW)) {
            size_t length;
            const char *text = node_leads(next, &length);

            if (walk.links++ == PATH_LINKS)
                return -ELOOP;
            next = begin(&walk, at, text, length);
        }
        at = next;
    }
    if (!at)
        return -ENOENT;
    if (slash && node_kind(at) != S_IFDIR)
        return -ENOTDIR;
    *found = at;
    return 0;
}
