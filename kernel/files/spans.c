// Memory in several pieces.

#include <arch/user.h>
#include <kernel/spans.h>
#include <kernel/string.h>

// The piece that is next, at most `size` bytes of it; 0 if nothing is left.
static size_t next(struct spans *spans, size_t size, u64 *at)
{
    u64 rest;

    if (size > spans->left)
        size = spans->left;
    if (!size)
        return 0;
    for (; !(rest = spans->span->size - spans->done); spans->done = 0)
        spans->span++;
    *at = spans->span->start + spans->done;
    return size < rest ? size : rest;
}

// Whether `done` of the piece's bytes are all of it.
static bool advance(struct spans *spans, size_t piece, size_t done)
{
    spans->done += done;
    spans->left -= done;
    return done == piece;
}

size_t spans_put(struct spans *to, const void *from, size_t size)
{
    const char *bytes = from;
    size_t all = 0, piece, done;
    u64 at;

    while ((piece = next(to, size - all, &at))) {
        done = piece;
        if (to->kernel)
            memcpy((void *)at, bytes + all, piece);
        else
            done -= copy_to_user(at, bytes + all, piece);
        all += done;
        if (!advance(to, piece, done))
            break;
    }
    return all;
}

size_t spans_clear(struct spans *to, size_t size)
{
    size_t all = 0, piece, done;
    u64 at;

    while ((piece = next(to, size - all, &at))) {
        done = piece;
        if (to->kernel)
            memset((void *)at, 0, piece);
        else
            done -= clear_user(at, piece);
        all += done;
        if (!advance(to, piece, done))
            break;
    }
    return all;
}

size_t spans_take(struct spans *from, void *to, size_t size)
{
    char *bytes = to;
    size_t all = 0, piece, done;
    u64 at;

    while ((piece = next(from, size - all, &at))) {
        done = piece;
        if (from->kernel)
            memcpy(bytes + all, (const void *)at, piece);
        else
            done -= copy_from_user(bytes + all, at, piece);
        all += done;
        if (!advance(from, piece, done))
            break;
    }
    return all;
}
