// A thread's own segments as descriptors. SDM vol. 3, section 3.4.5 and figure 3-8.

#include <arch/tls.h>

enum {
    ACCESSED = 1 << 8,
    WRITABLE = 1 << 9,
    EXPANDS_DOWN = 1 << 10,
    NOT_SYSTEM = 1 << 12,
    RING_3 = 3 << 13,
    PRESENT = 1 << 15,
    LIMIT_HIGH = 0xf << 16,
    AVAILABLE = 1 << 20,
    BITS_32 = 1 << 22,
    PAGES = 1 << 23,
};

u64 tls_descriptor(const struct tls_segment *segment)
{
    u32 low = (segment->limit & 0xffff) | segment->base << 16;
    u32 high = (segment->base >> 16 & 0xff) | (segment->base & 0xff000000) |
               (segment->limit & LIMIT_HIGH) | ACCESSED | NOT_SYSTEM | RING_3 | PRESENT | BITS_32;

    high |= (segment->read_only ? 0 : WRITABLE) | (segment->expands ? EXPANDS_DOWN : 0) |
            (segment->usable ? AVAILABLE : 0) | (segment->pages ? PAGES : 0);
    return (u64)high << 32 | low;
}

struct tls_segment tls_segment(u64 descriptor)
{
    u32 low = (u32)descriptor, high = (u32)(descriptor >> 32);

    return (struct tls_segment){
        .base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000),
        .limit = (low & 0xffff) | (high & LIMIT_HIGH),
        .pages = high & PAGES,
        .expands = high & EXPANDS_DOWN,
        .read_only = !(high & WRITABLE),
        .usable = high & AVAILABLE,
    };
}
