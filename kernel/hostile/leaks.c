// Whether a program has come to know an address of the kernel's.

#include <arch/boot.h>
#include <arch/features.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <entry/idt.h>
#include <kernel/hostile/hostile.h>
#include <kernel/regions.h>

enum range { NONE, IMAGE, DIRECT_MAP, MAPPED };

static u64 ram_end(void)
{
    static u64 end;

    for (size_t i = 0; !end && i < boot_info.ranges; i++)
        if (boot_info.range[i].end > end)
            end = boot_info.range[i].end;
    return end;
}

// Stacks, devices, regions: few pages in a large space, so only those count that are there.
static bool mapped(u64 value)
{
    u64 *entry = value >= DEVICES_BASE && value < (u64)text_start
                     ? paging_entry(kernel_tables, value)
                     : NULL;

    return entry && *entry & PTE_PRESENT;
}

static enum range range_of(u64 value)
{
    if (value >= (u64)text_start && value < (u64)kernel_end)
        return IMAGE;
    if (value >= DIRECT_MAP_BASE && value < DIRECT_MAP_BASE + ram_end())
        return DIRECT_MAP;
    return mapped(value) ? MAPPED : NONE;
}

// An address near to one that is there tells as much.
static enum range range_around(u64 value)
{
    if (value >= KERNEL_BASE)
        return IMAGE;
    return value >= DEVICES_BASE ? MAPPED : DIRECT_MAP;
}

void known_note(struct program *program, u64 value)
{
    if (value > USER_END)
        program->known |= 1u << (program->informed ? range_around(value) : range_of(value));
}

// Every 8 bytes, and every 4, because instructions extend those by their sign.
void known_note_bytes(struct program *program, const u8 *bytes, size_t count)
{
    for (size_t at = 0; at + sizeof(u32) <= count; at++) {
        known_note(program, (u64)(long)*(const int *)&bytes[at]);
        if (at + sizeof(u64) <= count)
            known_note(program, *(const u64 *)&bytes[at]);
    }
}

// Without UMIP it can ask the CPU for the places of the tables.
void known_note_tables(struct program *program)
{
    if (features.umip)
        return;
    known_note(program, (u64)this_cpu()->gdt);
    known_note(program, (u64)idt);
}

bool leaks(const struct program *program, u64 value)
{
    enum range range = value > USER_END ? range_of(value) : NONE;

    return range != NONE && !(program->known & 1u << range);
}

u64 leak_in_registers(const struct program *program, const struct pt_regs *regs)
{
    const u64 *value = &regs->r15;

    for (unsigned i = 0; i < sizeof(*regs) / sizeof(u64); i++)
        if (leaks(program, value[i]))
            return value[i];
    return 0;
}

// Every 4 bytes. The upper half of an address tells most words apart, so it is looked at first.
static u64 leak_in_page(const struct program *program, const u8 *page)
{
    for (size_t at = sizeof(u32); at < PAGE_SIZE; at += sizeof(u32)) {
        u64 value;

        if (*(const u32 *)&page[at] < DIRECT_MAP_BASE >> 32)
            continue;
        value = *(const u64 *)&page[at - sizeof(u32)];
        if (leaks(program, value))
            return value;
    }
    return 0;
}

// In what it could write to.
u64 leak_in_memory(const struct program *program, struct address_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = space->regions[i];
        u64 page = region->start;

        while ((page = paging_next(space->tables, page, region->end)) < region->end) {
            u64 entry = *paging_entry(space->tables, page), leak = 0;

            if (entry & PTE_WRITABLE)
                leak = leak_in_page(program, direct_map(entry & PTE_ADDRESS));
            if (leak)
                return leak;
            page += PAGE_SIZE;
        }
    }
    return 0;
}
