// set_thread_area and get_thread_area: the segments by which 32-bit programs find what belongs to a thread.

#include <arch/interrupts.h>
#include <arch/percpu.h>
#include <arch/task.h>
#include <arch/tls.h>
#include <arch/user.h>
#include <kernel/calls/compat.h>
#include <kernel/errno.h>
#include <kernel/task.h>

#define ANY_ENTRY ((u32)-1)

// As programs see it, struct user_desc.
struct user_desc {
    u32 entry, base, limit, flags;
};

enum {
    DESC_32BIT = 1 << 0,
    DESC_EXPANDS = 1 << 1, // of `contents`, two bits; code has the other one
    DESC_CODE = 1 << 2,
    DESC_READ_ONLY = 1 << 3,
    DESC_PAGES = 1 << 4,
    DESC_NOT_PRESENT = 1 << 5,
    DESC_USABLE = 1 << 6,
    DESC_FLAGS = (1 << 7) - 1,
    DESC_EMPTY = DESC_READ_ONLY | DESC_NOT_PRESENT,
};

// Two forms of "take it away".
static bool is_empty(const struct user_desc *desc)
{
    u32 flags = desc->flags & DESC_FLAGS;

    return !desc->base && !desc->limit && (flags == DESC_EMPTY || flags == 0);
}

// Data for 32-bit code and nothing else: a stack of 16 bits, or code with a base, nobody needs and the
// kernel's ways out do not expect.
static bool is_fit(const struct user_desc *desc)
{
    return desc->flags & DESC_32BIT && !(desc->flags & (DESC_CODE | DESC_NOT_PRESENT));
}

// The first entry that is empty, as an index into the GDT; 0 if none is.
static unsigned free_entry(const struct user_state *user)
{
    for (unsigned i = 0; i < TLS_ENTRIES; i++)
        if (!user->tls[i])
            return TLS_FIRST + i;
    return 0;
}

static bool is_entry(u32 index)
{
    return index >= TLS_FIRST && index < TLS_FIRST + TLS_ENTRIES;
}

static void set_entry(struct user_state *user, unsigned index, u64 descriptor)
{
    bool enabled = interrupts_save();

    user->tls[index - TLS_FIRST] = descriptor;
    this_cpu()->gdt[index] = descriptor;
    user_segments_reload(index);
    interrupts_restore(enabled);
}

long compat_set_thread_area(u64 address)
{
    struct user_state *user = &current_task()->user;
    struct user_desc desc;
    struct tls_segment segment;

    if (copy_from_user(&desc, address, sizeof(desc)))
        return -EFAULT;
    if (!is_empty(&desc) && !is_fit(&desc))
        return -EINVAL;
    if (desc.entry == ANY_ENTRY) {
        desc.entry = free_entry(user);
        if (!desc.entry)
            return -ESRCH;
        if (user_put32(address, desc.entry))
            return -EFAULT;
    }
    if (!is_entry(desc.entry))
        return -EINVAL;
    segment = (struct tls_segment){
        .base = desc.base,
        .limit = desc.limit,
        .pages = desc.flags & DESC_PAGES,
        .expands = desc.flags & DESC_EXPANDS,
        .read_only = desc.flags & DESC_READ_ONLY,
        .usable = desc.flags & DESC_USABLE,
    };
    set_entry(user, desc.entry, is_empty(&desc) ? 0 : tls_descriptor(&segment));
    return 0;
}

long compat_get_thread_area(u64 address)
{
    struct user_desc desc;
    u64 descriptor;

    if (user_get32(address, &desc.entry))
        return -EFAULT;
    if (!is_entry(desc.entry))
        return -EINVAL;
    descriptor = current_task()->user.tls[desc.entry - TLS_FIRST];
    desc.base = desc.limit = 0;
    desc.flags = DESC_EMPTY;
    if (descriptor) {
        struct tls_segment segment = tls_segment(descriptor);

        desc.base = segment.base;
        desc.limit = segment.limit;
        desc.flags = DESC_32BIT | (segment.expands ? DESC_EXPANDS : 0) |
                     (segment.read_only ? DESC_READ_ONLY : 0) | (segment.pages ? DESC_PAGES : 0) |
                     (segment.usable ? DESC_USABLE : 0);
    }
    return copy_to_user(address, &desc, sizeof(desc)) ? -EFAULT : 0;
}
