// What the loader tells the kernel.
#pragma once

#include <arch/types.h>

struct memory_range {
    u64 start, end; // physical addresses, in bytes; end is the first byte after
};

#define BOOT_RANGES  32
#define BOOT_MODULES 4
#define BOOT_CMDLINE 1536

struct boot_info {
    char cmdline[BOOT_CMDLINE];
    size_t ranges;
    struct memory_range range[BOOT_RANGES]; // usable RAM, as the loader lists it, in any order
    size_t modules;
    struct memory_range
        module[BOOT_MODULES]; // files that the loader has put into RAM; they stay there
};

extern struct boot_info boot_info;

// Copies what the kernel needs of the multiboot information at physical address `multiboot` into
// boot_info, before that memory is used for something else. What is more than BOOT_RANGES or BOOT_MODULES
// is not used.
void boot_info_read(u32 multiboot);
