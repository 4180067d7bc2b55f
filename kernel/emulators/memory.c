// Rows: page tables and what the CPU keeps of them. SDM vol. 3, chapter 4.

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/emulators/row.h>
#include <kernel/memory.h>

#define PLACE        0x10000000ul // of a page that comes and goes, in the low half
#define PTE_RESERVED (1ul << 51)  // beyond what any of the models has of physical addresses
#define RET          0xc3

#define USER_CODE (PTE_PRESENT | PTE_USER)
#define USER_DATA (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_NO_EXECUTE)

typedef u64 code(u64 a, u64 b);
code read_byte, write_byte, call_at, read_byte_stac, fault_stac;

static u8 *page, *other_page;
static volatile u64 *entry;

// One page mapped at PLACE, whose first byte is 1, and another that could be: its first byte is 2.
static void map(u64 flags)
{
    page = pages_allocate(1);
    other_page = pages_allocate(1);
    page[0] = 1;
    other_page[0] = 2;
    paging_map(kernel_tables, PLACE, direct_map_physical(page), flags);
    entry = paging_entry(kernel_tables, PLACE);
}

static void unmap(void)
{
    *entry &= ~PTE_RESERVED;
    paging_unmap(kernel_tables, PLACE);
    pages_free(page, 1);
    pages_free(other_page, 1);
}

static void map_other(void)
{
    *entry = (*entry & ~PTE_ADDRESS) | direct_map_physical(other_page);
}

ROW(reserved_bit_code)
{
    map(KERNEL_DATA & ~PTE_GLOBAL);
    *entry |= PTE_RESERVED;
    run(read_byte, give_up, PLACE, 0);
    unmap();
    observed("%s", name_of(0));
}

ROW(write_protect)
{
    u64 cr0 = read_cr0();
    bool written;

    map(KERNEL_CONSTANTS & ~PTE_GLOBAL);
    write_cr0(cr0 & ~CR0_WP);
    run(write_byte, give_up, PLACE, 7);
    written = !events && page[0] == 7;
    write_cr0(cr0 | CR0_WP);
    run(write_byte, give_up, PLACE, 8);
    write_cr0(cr0);
    unmap();
    observed("%s, then %s", written ? "written" : "not written", name_of(0));
}

ROW(no_execute)
{
    map(KERNEL_DATA & ~PTE_GLOBAL);
    page[0] = RET;
    run(call_at, give_up, PLACE, 0);
    unmap();
    observed("%s", name_of(0));
}

ROW(smep)
{
    u64 cr4 = read_cr4();

    if (!cpu_has_7(CPUID7_SMEP)) {
        not_there();
        return;
    }
    map(USER_CODE);
    page[0] = RET;
    write_cr4(cr4 | CR4_SMEP);
    run(call_at, give_up, PLACE, 0);
    write_cr4(cr4);
    unmap();
    observed("%s", name_of(0));
}

ROW(smap)
{
    u64 cr4 = read_cr4(), read;
    const char *refused;

    if (!cpu_has_7(CPUID7_SMAP)) {
        not_there();
        return;
    }
    map(USER_DATA);
    write_cr4(cr4 | CR4_SMAP);
    run(read_byte, give_up, PLACE, 0);
    refused = name_of(0);
    read = run(read_byte_stac, give_up, PLACE, 0);
    write_cr4(cr4);
    unmap();
    observed("%s, then %s", refused, read == 1 ? "read" : name_of(0));
}

ROW(smap_ac_kept)
{
    u64 cr4 = read_cr4();

    if (!cpu_has_7(CPUID7_SMAP)) {
        not_there();
        return;
    }
    write_cr4(cr4 | CR4_SMAP);
    run(fault_stac, give_up, 0, 0);
    write_cr4(cr4);
    observed(event[0].flags & RFLAGS_AC ? "set" : "clear");
}

static const char *bits_of(u64 bits)
{
    return bits == (PTE_ACCESSED | PTE_DIRTY) ? "A and D"
           : bits == PTE_ACCESSED             ? "A"
           : bits                             ? "D"
                                              : "none";
}

ROW(accessed_dirty)
{
    u64 read, written;

    map(KERNEL_DATA & ~PTE_GLOBAL);
    run(read_byte, give_up, PLACE, 0);
    read = *entry & (PTE_ACCESSED | PTE_DIRTY);
    run(write_byte, give_up, PLACE, 0);
    written = *entry & (PTE_ACCESSED | PTE_DIRTY);
    unmap();
    observed("%s, then %s", bits_of(read), bits_of(written));
}

// Not by run(): Bochs drops translations when it writes to DR7, which no manual forbids.
static u8 first_byte(void)
{
    return *(volatile u8 *)PLACE;
}

ROW(stale_tlb)
{
    u8 before, after;

    map(KERNEL_DATA & ~PTE_GLOBAL);
    first_byte();
    map_other();
    before = first_byte();
    invalidate_page(PLACE);
    after = first_byte();
    unmap();
    observed("%s, then %s", before == 1 ? "kept" : "new", after == 2 ? "new" : "kept");
}

ROW(global_tlb)
{
    u8 after;

    map(KERNEL_DATA);
    first_byte();
    map_other();
    write_cr3(read_cr3());
    after = first_byte();
    unmap();
    observed(after == 1 ? "kept" : "dropped");
}

static u64 set_cr4(u64 value, u64 b)
{
    (void)b;
    write_cr4(value);
    return 0;
}

ROW(pcid)
{
    u64 cr4 = read_cr4();

    if (!cpu_has_1(CPUID1_PCID)) {
        not_there();
        return;
    }
    run(set_cr4, give_up, cr4 | CR4_PCIDE, 0);
    write_cr4(cr4);
    observed(events ? "%s" : "allowed", name_of(0));
}
