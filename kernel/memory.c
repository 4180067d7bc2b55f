// Physical memory: for each page, how many use it.

#include <arch/boot.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/string.h>

enum { LOW_MEMORY = 0x100000 }; // the first MiB belongs to the firmware and to starting more CPUs

// Of each page, how many use it; 0 is free. What is no RAM, or the firmware's, is never free.
static u32 *users; // in the direct map
static const u32 nobodys = ~0u;

static size_t frames;        // pages that have a count
static size_t frames_usable; // those that are RAM and not the kernel's own
static size_t frames_free;
static size_t next_fit; // where the last search ended

static u64 round_up(u64 address)
{
    return (address + PAGE_SIZE - 1) & -PAGE_SIZE;
}

// The first address from `start` on behind which `size` bytes have nothing of a module.
static u64 beside_modules(u64 start, size_t size)
{
    for (size_t i = 0; i < boot_info.modules; i++) {
        const struct memory_range *module = &boot_info.module[i];

        if (start < module->end && start + size > module->start)
            return beside_modules(round_up(module->end), size);
    }
    return start;
}

// The counts go into the first range that has room for them above the kernel and below what
// boot.asm has mapped. The loader's information has been copied by now and may be overwritten.
static u64 place_counts(size_t size)
{
    enum { BOOT_MAPPED = 1 << 30 };
    u64 kernel = image_physical(kernel_end);

    for (size_t i = 0; i < boot_info.ranges; i++) {
        u64 start = round_up(boot_info.range[i].start);
        if (start < kernel)
            start = kernel;
        start = beside_modules(start, size);
        u64 end = start + size;
        if (end <= boot_info.range[i].end && end <= BOOT_MAPPED)
            return start;
    }
    panic("no room for the counts of all pages, %zu bytes, in the loader's memory map", size);
}

static void set_users(u64 start, u64 end, u32 count)
{
    for (u64 at = start; at + PAGE_SIZE <= end; at += PAGE_SIZE)
        users[at / PAGE_SIZE] = count;
}

static void keep_module(const struct memory_range *module)
{
    if (module->end > frames * PAGE_SIZE)
        panic("the loader's module at 0x%lx lies in no RAM", module->start);
    set_users(module->start & -PAGE_SIZE, round_up(module->end), 1);
}

void memory_initialise(void)
{
    u64 image = (u64)image_start, counts;
    size_t size;

    for (size_t i = 0; i < boot_info.ranges; i++)
        if (boot_info.range[i].end / PAGE_SIZE > frames)
            frames = boot_info.range[i].end / PAGE_SIZE;
    size = frames * sizeof(*users);
    counts = place_counts(size);
    users = direct_map(counts);
    set_users(0, frames * PAGE_SIZE, nobodys);

    for (size_t i = 0; i < boot_info.ranges; i++)
        set_users(round_up(boot_info.range[i].start), boot_info.range[i].end, 0);
    set_users(0, LOW_MEMORY, nobodys);
    set_users(image, image_physical(kernel_end), 1);
    set_users(counts, round_up(counts + size), 1);
    for (size_t i = 0; i < boot_info.modules; i++)
        keep_module(&boot_info.module[i]);
    for (size_t frame = 0; frame < frames; frame++)
        frames_free += users[frame] == 0;
    frames_usable = frames_free;
    paging_initialise();
}

// The first of `count` free pages in a row from `from` on, or `frames`.
static size_t find_free(size_t from, size_t count)
{
    size_t run = 0;

    for (size_t frame = from; frame < frames; frame++) {
        if (users[frame])
            run = 0;
        else if (++run == count)
            return frame + 1 - count;
    }
    return frames;
}

// The first of `count` free pages in a row, or `frames`. Not part of pages_allocate: most often that needs one
// page, and the next one is free.
static __attribute__((noinline, cold)) size_t search(size_t count)
{
    size_t first = find_free(next_fit, count);

    return first < frames ? first : find_free(0, count);
}

void *pages_allocate(size_t count)
{
    bool unlocked = memory_lock();
    size_t first = next_fit;

    if (count != 1 || first >= frames || users[first])
        first = search(count);
    if (first >= frames) {
        memory_unlock(unlocked);
        return NULL;
    }
    users[first] = 1;
    for (size_t i = 1; i < count; i++)
        users[first + i] = 1;
    frames_free -= count;
    next_fit = first + count;
    memory_unlock(unlocked);
    return direct_map(first * PAGE_SIZE);
}

// The count of an allocated page. Whoever has a page that is free has freed it once too often.
static u32 *users_of(const void *page, const char *what)
{
    size_t frame = direct_map_physical(page) / PAGE_SIZE;

    if (frame >= frames || users[frame] == 0 || users[frame] == nobodys)
        panic("page at %p %s, but it is not allocated", page, what);
    return &users[frame];
}

void pages_free(void *pages, size_t count)
{
    bool unlocked = memory_lock();

    for (size_t i = 0; i < count; i++)
        frames_free += --*users_of((char *)pages + i * PAGE_SIZE, "freed") == 0;
    memory_unlock(unlocked);
}

void page_share(void *page)
{
    bool unlocked = memory_lock();

    ++*users_of(page, "shared");
    memory_unlock(unlocked);
}

size_t page_users(const void *page)
{
    return *users_of(page, "asked for");
}

size_t pages_available(void)
{
    return frames_free;
}

size_t pages_total(void)
{
    return frames_usable;
}
