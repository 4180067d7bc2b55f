// The calls with which a program orders its memory. They only change regions: pages come when they are touched.
//
// Nothing is writable and executable, neither here nor in the kernel: who asks for both gets -EACCES, as on a
// Linux whose security policy says so. A page can be written first and be made executable later.

#include <kernel/calls/calls.h>
#include <kernel/calls/memory.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/file_pages.h>
#include <kernel/memory.h>
#include <kernel/process.h>

static u64 page_up(u64 size)
{
    return (size + PAGE_SIZE - 1) & -PAGE_SIZE;
}

static struct address_space *current_space(void)
{
    return this_cpu()->current->space;
}

static bool both(unsigned protection)
{
    return protection & PROT_WRITE && protection & PROT_EXEC;
}

// Where the addresses of the program end that runs.
static u64 addresses_end(void)
{
    return current_process()->addresses_end;
}

// Whether so much can be promised: what could never be there at one time is refused at once, as Linux does.
// What nobody can write to takes no memory of its own, or not much.
static bool promising(size_t size, unsigned rights, int flags)
{
    return !(rights & ACCESS_WRITE) || flags & MAP_NORESERVE || size / PAGE_SIZE <= pages_total();
}

// ---- mmap -------------------------------------------------------------------------------------------

// The page of a file that [start, end) goes beyond has zeroes there; those behind have nothing at all.
static int fill_from_file(const struct region *region, u64 address, void *memory)
{
    if (region->offset + (address - region->start) >= region->limit)
        return -EFAULT;
    return file_pages_fill(region, address, memory);
}

// Enters into *region what the file has for it. 0, or what the file does not allow.
static int back_with(struct region *region, const struct file *file, u64 offset)
{
    if (!file_readable(file))
        return -EACCES;
    if (region->shared && region->rights & ACCESS_WRITE)
        return -EACCES; // nothing here can be opened for writing that could be mapped
    if (node_kind(file->node) != S_IFREG)
        return -ENODEV;
    region->fill = fill_from_file;
    region->context = (void *)file->node->data;
    region->offset = offset;
    region->limit = file->node->size;
    return 0;
}

// Where `size` bytes go that may go anywhere: to `hint` if they find room there, else as high up as they do.
// 0 if there is no room.
static u64 find_room(u64 hint, size_t size, int flags)
{
    const u64 two_gib = 0x80000000;
    u64 end = flags & MAP_32BIT ? two_gib : addresses_end();
    struct address_space *space = current_space();

    hint = page_up(hint);
    if (hint >= MEMORY_START && hint < end && size <= end - hint &&
        regions_gap(space, hint, hint + size, size))
        return hint;
    return regions_gap(space, MEMORY_START, end, size);
}

// Sees to it that [address, address + size), which the program insists on, can be had. 0 or negative errno.
static int make_room_at(u64 address, size_t size, int flags)
{
    if (size > addresses_end() || address > addresses_end() - size)
        return -ENOMEM;
    if (address % PAGE_SIZE)
        return -EINVAL;
    if (address < MEMORY_START)
        return -EPERM;
    if (flags & MAP_FIXED_NOREPLACE)
        return 0; // region_add refuses
    return regions_remove(current_space(), address, address + size);
}

static long map(u64 address, size_t size, unsigned protection, int flags, const struct file *file,
                u64 offset)
{
    struct region region = {
        .rights = memory_rights(protection),
        .shared = (flags & MAP_TYPE) == MAP_SHARED,
    };
    int error = 0;

    if (file)
        error = back_with(&region, file, offset);
    if (!error && !promising(size, region.rights, flags))
        error = -ENOMEM;
    if (!error && flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        error = make_room_at(address, size, flags);
    else if (!error && !(address = find_room(address, size, flags)))
        error = -ENOMEM;
    if (error)
        return error;
    region.start = address;
    region.end = address + size;
    error = region_add(current_space(), &region);
    return error ? error : (long)address;
}

long sys_mmap(u64 address, size_t length, int protection, int flags, int fd, u64 offset)
{
    size_t size = page_up(length);
    struct file *file = NULL;
    long result;

    if (offset % PAGE_SIZE)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS) && !(file = files_get(current_process()->files, fd)))
        return -EBADF;
    if (!length || ((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_PRIVATE))
        result = -EINVAL;
    else if (!size || flags & MAP_HUGETLB)
        result = -ENOMEM; // Linux's answer, too, where no huge pages were set aside
    else if (file && (offset > INT64_MAX || size > INT64_MAX - offset))
        result = -EOVERFLOW; // nor may it wrap around when it grows
    else if (both((unsigned)protection))
        result = -EACCES;
    else
        result = map(address, size, (unsigned)protection, flags, file, offset);
    file_put(file);
    return result;
}

// ---- what changes it --------------------------------------------------------------------------------

long sys_munmap(u64 address, size_t length)
{
    size_t size = page_up(length);

    if (address % PAGE_SIZE || !size || size > USER_END || address > USER_END - size)
        return -EINVAL;
    return regions_remove(current_space(), address, address + size);
}

// Whether [start, end) holds a part of a file that is mapped shared: nobody may write there.
static bool holds_shared_file(u64 start, u64 end)
{
    const struct address_space *space = current_space();

    for (size_t i = regions_above(space, start); i < space->count; i++) {
        const struct region *region = space->regions[i];

        if (region->start >= end)
            return false;
        if (region->shared && region->fill)
            return true;
    }
    return false;
}

long sys_mprotect(u64 address, size_t length, int protection)
{
    size_t size = page_up(length);
    unsigned rights = memory_rights((unsigned)protection);

    if (address % PAGE_SIZE || protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (!length)
        return 0;
    if (!size || size > USER_END || address > USER_END - size)
        return -ENOMEM;
    if (both((unsigned)protection))
        return -EACCES;
    if (protection & PROT_WRITE && holds_shared_file(address, address + size))
        return -EACCES;
    return regions_protect(current_space(), address, address + size, rights);
}

// Advice that may be ignored is; what would be a promise (nothing of it after a fork, for example) is not.
static bool may_be_ignored(int advice)
{
    enum { FREE = 8 };
    const u64 hints = 0xf | 1 << FREE | 0xf << 12 | 3 << 16 | 3 << 20; // Linux's numbers

    return advice >= 0 && advice < 64 && hints >> advice & 1;
}

long sys_madvise(u64 address, size_t length, int advice)
{
    size_t size = page_up(length);

    if ((advice != MADV_DONTNEED && !may_be_ignored(advice)) || address % PAGE_SIZE)
        return -EINVAL;
    if (length && (!size || address + size < address))
        return -EINVAL;
    if (!length)
        return 0;
    if (size > USER_END || address > USER_END - size)
        return -ENOMEM;
    return advice == MADV_DONTNEED ? regions_drop(current_space(), address, address + size) : 0;
}

// ---- mremap -----------------------------------------------------------------------------------------

// What was mapped at [address, address + old) is made longer where it is. 0 or negative errno: -EEXIST if there
// is something behind it, -EFAULT if its region goes on.
static int grow_in_place(const struct region *region, u64 address, size_t old, size_t size)
{
    struct region more = *region;

    if (region->end != address + old)
        return -EFAULT;
    if (size > addresses_end() || address > addresses_end() - size)
        return -ENOMEM;
    more.start = region->end;
    more.end = address + size;
    more.offset = region->offset + (region->end - region->start);
    more.lowest = 0;
    return region_add(current_space(), &more);
}

static long remap(u64 address, size_t old, size_t size, int flags, u64 to)
{
    struct address_space *space = current_space();
    const struct region *region = region_at(space, address);
    int error;

    if (!region || old > region->end - address)
        return -EFAULT;
    if (size > old && !promising(size - old, region->rights, 0))
        return -ENOMEM;
    if (flags & MREMAP_FIXED) {
        error = make_room_at(to, size, 0);
        if (error)
            return error;
    } else {
        if (size == old || grow_in_place(region, address, old, size) == 0)
            return (long)address;
        to = flags & MREMAP_MAYMOVE ? find_room(0, size, 0) : 0;
        if (!to)
            return -ENOMEM;
    }
    error = regions_move(space, address, address + old, to, size);
    return error ? error : (long)to;
}

long sys_mremap(u64 address, size_t old_length, size_t length, int flags, u64 to)
{
    size_t old = page_up(old_length), size = page_up(length);
    int error;

    if (address % PAGE_SIZE || !old || !size || flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) ||
        old > USER_END || address > USER_END - old)
        return -EINVAL;
    if (flags & MREMAP_FIXED) {
        if (!(flags & MREMAP_MAYMOVE) || to % PAGE_SIZE || size > addresses_end() ||
            to > addresses_end() - size || (to < address + old && address < to + size))
            return -EINVAL;
    }
    if (size < old) { // the rest goes, whatever lies there
        error = regions_remove(current_space(), address + size, address + old);
        if (error)
            return error;
        old = size;
    }
    return remap(address, old, size, flags, to);
}

// ---- brk --------------------------------------------------------------------------------------------

// Never an error: whoever gets less than was asked for sees it by the address.
long sys_brk(u64 wanted)
{
    struct process *process = current_process();
    u64 end = page_up(process->brk), wanted_end = page_up(wanted);
    struct region more = { .start = end, .end = wanted_end, .rights = memory_rights(PROT_WRITE) };
    int error = 0;

    if (!process->brk_start || wanted < process->brk_start || wanted > addresses_end())
        return (long)process->brk;
    if (wanted_end < end)
        error = regions_remove(current_space(), wanted_end, end);
    else if (wanted_end > end && !promising(wanted_end - end, more.rights, 0))
        error = -ENOMEM;
    else if (wanted_end > end)
        error = region_add(current_space(), &more);
    if (!error)
        process->brk = wanted;
    return (long)process->brk;
}
