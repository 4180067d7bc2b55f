// Physical memory: one bit a page, set while the page is taken.

#include <arch/boot.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/string.h>

enum { LOW_MEMORY = 0x100000 }; // the first MiB belongs to the firmware and to starting more CPUs

static u64 *taken;           // in the direct map
static size_t frames;        // bits in it
static size_t frames_usable; // frames that are RAM and not the kernel's own
static size_t frames_free;
static size_t next_fit; // where the last search ended

static bool is_taken(size_t frame)
{
    return taken[frame / 64] >> frame % 64 & 1;
}

static void mark(size_t frame, bool as_taken)
{
    u64 bit = 1ul << frame % 64;

    if (is_taken(frame) == as_taken)
        return;
    taken[frame / 64] ^= bit;
    frames_free += as_taken ? -1ul : 1ul;
}

static u64 round_up(u64 address)
{
    return (address + PAGE_SIZE - 1) & -PAGE_SIZE;
}

static size_t bitmap_bytes(void)
{
    return (frames + 63) / 64 * sizeof(u64);
}

// The bitmap goes into the first range that has room for it above the kernel and below what
// boot.asm has mapped. The loader's information has been copied by now and may be overwritten.
static u64 place_bitmap(void)
{
    enum { BOOT_MAPPED = 1 << 30 };
    u64 kernel = image_physical(kernel_end);

    for (size_t i = 0; i < boot_info.ranges; i++) {
        u64 start = round_up(boot_info.range[i].start);
        if (start < kernel)
            start = kernel;
        u64 end = start + bitmap_bytes();
        if (end <= boot_info.range[i].end && end <= BOOT_MAPPED)
            return start;
    }
    panic("no room for a page map of %zu bytes in the loader's memory map", bitmap_bytes());
}

void memory_initialise(void)
{
    u64 kernel_start = (u64)image_start;
    u64 kernel = image_physical(kernel_end);
    u64 bitmap;

    for (size_t i = 0; i < boot_info.ranges; i++)
        if (boot_info.range[i].end / PAGE_SIZE > frames)
            frames = boot_info.range[i].end / PAGE_SIZE;
    bitmap = place_bitmap();
    taken = direct_map(bitmap);
    memset(taken, 0xff, bitmap_bytes());

    for (size_t i = 0; i < boot_info.ranges; i++)
        for (u64 at = round_up(boot_info.range[i].start); at + PAGE_SIZE <= boot_info.range[i].end;
             at += PAGE_SIZE)
            if (at >= LOW_MEMORY)
                mark(at / PAGE_SIZE, false);
    for (u64 at = kernel_start; at < kernel; at += PAGE_SIZE)
        mark(at / PAGE_SIZE, true);
    for (u64 at = bitmap & -PAGE_SIZE; at < bitmap + bitmap_bytes(); at += PAGE_SIZE)
        mark(at / PAGE_SIZE, true);
    frames_usable = frames_free;
    paging_initialise();
}

static size_t find_free(size_t from, size_t to, size_t count)
{
    size_t run = 0;

    for (size_t frame = from; frame < to; frame++) {
        run = is_taken(frame) ? 0 : run + 1;
        if (run == count)
            return frame + 1 - count;
    }
    return frames;
}

void *pages_allocate(size_t count)
{
    size_t first = find_free(next_fit, frames, count);

    if (first == frames)
        first = find_free(0, frames, count);
    if (first == frames || count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        mark(first + i, true);
    next_fit = first + count;
    return direct_map(first * PAGE_SIZE);
}

void pages_free(void *pages, size_t count)
{
    size_t first = direct_map_physical(pages) / PAGE_SIZE;

    for (size_t i = 0; i < count; i++) {
        if (first + i >= frames || !is_taken(first + i))
            panic("page at %p freed, but it is not allocated",
                  (void *)((char *)pages + i * PAGE_SIZE));
        mark(first + i, false);
    }
}

size_t pages_available(void)
{
    return frames_free;
}

size_t pages_total(void)
{
    return frames_usable;
}
