// A thread's own segments: entries of the GDT that change with the task. set_thread_area(2).
#pragma once

#include <arch/segments.h>
#include <arch/types.h>

// A data segment for 32-bit code, as programs describe it; one that is empty has nothing set.
struct tls_segment {
    u32 base, limit;
    bool pages;     // the limit counts pages
    bool expands;   // downwards, and the limit is its low end
    bool read_only; // else it can be written, too
    bool usable;    // a bit for the program
};

// Its descriptor, and back. 0 is an empty entry.
u64 tls_descriptor(const struct tls_segment *segment);
struct tls_segment tls_segment(u64 descriptor);
