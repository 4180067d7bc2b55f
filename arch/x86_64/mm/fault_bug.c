// The report of a page fault that is a bug.

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/safe.h>
#include <arch/stack.h>
#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/regions.h>
#include <mm/fault.h>

struct mapping {
    int level; // of the entry at which the walk ended
    u64 entry;
    bool tables_readable;
    bool writable, executable, user; // by all entries on the way. SDM vol. 3, section 4.6
};

// Walks the tables that the CPU uses, trusting nothing in them.
static struct mapping mapping_at(u64 address)
{
    struct mapping at = { TOP_LEVEL, read_cr3(), .writable = true, .executable = true,
                          .user = true };

    for (;; at.level--) {
        u64 *table = direct_map(at.entry & PTE_ADDRESS);

        at.tables_readable = read_safe((u64)&table[table_index(address, at.level)], &at.entry) == 0;
        if (!at.tables_readable || !(at.entry & PTE_PRESENT))
            return at;
        at.writable &= !!(at.entry & PTE_WRITABLE);
        at.executable &= !(at.entry & PTE_NO_EXECUTE);
        at.user &= !!(at.entry & PTE_USER);
        if (at.level == LEAF_LEVEL || (at.level < TOP_LEVEL && at.entry & PTE_LARGE))
            return at;
    }
}

// What forbade it, of a page that is there. SDM vol. 3, section 4.6.1.
static const char *page_kind(const struct fault *fault, const struct mapping *at)
{
    if (fault->access & ACCESS_USER && !at->user)
        return "a supervisor page";
    if (fault->access & ACCESS_EXECUTE && !at->executable)
        return "a no-execute page";
    if (fault->access & ACCESS_WRITE && !at->writable)
        return "a read-only page";
    if (!(fault->access & ACCESS_USER) && at->user)
        return fault->access & ACCESS_EXECUTE ? "a user page (SMEP)" : "a user page (SMAP)";
    return "a page that allows it: is the TLB stale?";
}

static const char *what_was_there(const struct fault *fault, const struct mapping *at)
{
    if (fault->reserved)
        return "a page whose tables have a reserved bit set";
    if (fault->code & PF_PROTECTION_KEY)
        return "a page whose protection key forbids it";
    if (fault->code & PF_SHADOW_STACK)
        return "a page of the other kind, shadow stack or not,";
    if (fault->code & PF_SGX)
        return "a page that SGX forbids";
    if (fault->code & ~PF_ORDINARY)
        return "a page that is forbidden by a bit of the error code that nobody here knows";
    return fault->present ? page_kind(fault, at) : "an unmapped page";
}

static const char *what_was_done(const struct fault *fault)
{
    if (fault->access & ACCESS_EXECUTE)
        return "fetch from";
    return fault->access & ACCESS_WRITE ? "write to" : "read of";
}

static void print_mapping(const struct mapping *at)
{
    u64 size = table_span(at->level);

    print("  mapping: ");
    if (!at->tables_readable)
        print("the table of level %d cannot be read\n", at->level);
    else if (!(at->entry & PTE_PRESENT))
        print("none, the entry of level %d is %lx\n", at->level, at->entry);
    else
        print("physical %lx, %lu KiB, r%c%c, %s, entry of level %d %lx\n",
              at->entry & PTE_ADDRESS & -size, size / 1024, at->writable ? 'w' : '-',
              at->executable ? 'x' : '-', at->user ? "user" : "supervisor", at->level, at->entry);
}

static void print_region(u64 address)
{
    const struct region *region = region_at(space_of(address), address);

    if (!region)
        print("  region: none\n");
    else
        print("  region: %lx to %lx, %c%c%c, %s\n", region->start, region->end,
              region->rights & ACCESS_READ ? 'r' : '-', region->rights & ACCESS_WRITE ? 'w' : '-',
              region->rights & ACCESS_EXECUTE ? 'x' : '-',
              region->rights & ACCESS_USER ? "user" : "supervisor");
}

struct bug {
    const struct fault *fault;
    struct mapping at;
    int error;
};

static void print_details(const void *about)
{
    const struct bug *bug = about;
    u64 address = bug->fault->address;
    const struct stack *overflowed = stack_guarded_by(address);

    print("  error code 0x%lx\n", bug->fault->code);
    print_mapping(&bug->at);
    print_region(address);
    if (bug->error != -EFAULT)
        print("  the page that it promises could not be had: error %d\n", bug->error);
    if (overflowed)
        print("  that is the guard page of the %s: the stack has overflowed\n", overflowed->name);
}

void fault_bug(const struct pt_regs *regs, const struct fault *fault, int error)
{
    struct bug bug = { fault, mapping_at(fault->address), error };

    panic_with(regs, print_details, &bug, "page fault: %s %s at 0x%lx, %s", what_was_done(fault),
               what_was_there(fault, &bug.at), fault->address,
               fault->access & ACCESS_USER ? "user" : "supervisor");
}
