// Where things are in the address space; the same addresses as Linux.
#pragma once

#include <arch/types.h>

#define PAGE_SIZE       4096ul
#define LARGE_PAGE_SIZE (512 * PAGE_SIZE)

#define USER_END        0x0000800000000000ul // the low half, where the canonical addresses break off
#define DIRECT_MAP_BASE 0xffff888000000000ul // all physical memory, in order
#define DEVICES_BASE    0xffffc90000000000ul // registers of devices, one after the other
#define REGIONS_BASE    0xffffc94000000000ul // regions of the kernel's own, kernel/regions.h
#define REGIONS_END     0xffffc98000000000ul
#define STACKS_BASE     0xfffffe0000000000ul // kernel stacks, each above an unmapped page
#define KERNEL_BASE     0xffffffff80000000ul // the image, at its physical address plus this

#define BOOT_STACK_SIZE (4 * PAGE_SIZE)

// The virtual address of physical memory, and back. `physical` below the end of the direct map.
static inline void *direct_map(u64 physical)
{
    return (void *)(DIRECT_MAP_BASE + physical);
}

static inline u64 direct_map_physical(const void *address)
{
    return (u64)address - DIRECT_MAP_BASE;
}

// The physical address of something inside the image.
static inline u64 image_physical(const void *address)
{
    return (u64)address - KERNEL_BASE;
}

// Set by linker.ld.
extern char image_start[], text_start[], text_end[], entry_text_start[], entry_text_end[];
extern char rodata_end[], sealed_end[], bss_start[], kernel_end[];

// Whether code at `address` is a way in or out, and no C.
static inline bool in_entry_text(u64 address)
{
    return address >= (u64)entry_text_start && address < (u64)entry_text_end;
}

// Set by boot.asm: the page below the boot stack, which is not mapped, and the stack.
extern char boot_stack_guard[], boot_stack[];
