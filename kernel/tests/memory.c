// The kernel's own tests: page tables, pages, heap.

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/paging.h>
#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/time.h>

static unsigned writable_and_executable, low_half, leaves;

// Every leaf below `table`, by the tables that the CPU uses and nothing else. SDM vol. 3, 4.5.
static void walk(const u64 *table, int level, bool writable, bool executable, bool low)
{
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        u64 entry = table[i];

        if (!(entry & PTE_PRESENT))
            continue;
        bool entry_writable = writable && (entry & PTE_WRITABLE);
        bool entry_executable = executable && !(entry & PTE_NO_EXECUTE);
        bool entry_low = low && (level < TOP_LEVEL || i < TABLE_ENTRIES / 2);

        if (level > LEAF_LEVEL && !(entry & PTE_LARGE)) {
            walk(direct_map(entry & PTE_ADDRESS), level - 1, entry_writable, entry_executable,
                 entry_low);
            continue;
        }
        leaves++;
        writable_and_executable += entry_writable && entry_executable;
        low_half += entry_low;
    }
}

static void expect_rights(const void *address, u64 rights, const char *what)
{
    u64 *entry = paging_entry(kernel_tables, (u64)address);

    report(entry, "%s is mapped", what);
    if (entry)
        report_equal(*entry & (PTE_WRITABLE | PTE_NO_EXECUTE | PTE_USER), rights, "rights of %s",
                     what);
}

TEST(no_page_is_writable_and_executable)
{
    static u64 data = 1, zeroes;
    static const u64 constant = 1;
    const char *code = (const char *)expect_rights;

    walk(direct_map(read_cr3() & PTE_ADDRESS), TOP_LEVEL, true, true, true);
    report_equal(writable_and_executable, 0, "pages writable and executable");
    report_equal(low_half, 0, "pages in the low half");
    report(leaves > 16, "the walk saw the page tables");
    expect_rights(code, 0, "code");
    expect_rights(entry_text_start, 0, "entry code");
    expect_rights(&constant, PTE_NO_EXECUTE, "a constant");
    expect_rights(&data, PTE_NO_EXECUTE | PTE_WRITABLE, "data");
    expect_rights(&zeroes, PTE_NO_EXECUTE | PTE_WRITABLE, "bss");
    expect_rights(direct_map(image_physical(code)), PTE_NO_EXECUTE, "code in the direct map");
    expect_rights(direct_map(image_physical(&data)), PTE_NO_EXECUTE | PTE_WRITABLE,
                  "data in the direct map");
    report(read_cr0() & CR0_WP, "CR0.WP: ring 0 obeys read-only pages");
}

// One page that comes and goes and changes its rights, in each half of the address space.
static void map_and_unmap(u64 address, u64 user)
{
    u64 *page = pages_allocate(1);
    u64 physical = direct_map_physical(page);

    *page = 0x5eed;
    report_equal(paging_entry(kernel_tables, address), 0, "entry of 0x%lx before", address);
    report_equal(paging_map(kernel_tables, address, physical, KERNEL_DATA | user), 0, "map");
    report_equal(*(volatile u64 *)address, 0x5eed, "what the page holds at 0x%lx", address);
    *(volatile u64 *)address = 0xf00d;
    report_equal(*page, 0xf00d, "what was written at 0x%lx", address);
    paging_protect(kernel_tables, address, KERNEL_CONSTANTS | user);
    report_equal(*paging_entry(kernel_tables, address) & ~(PTE_ACCESSED | PTE_DIRTY),
                 physical | KERNEL_CONSTANTS | user, "entry of 0x%lx, protected", address);
    report_equal(paging_unmap(kernel_tables, address) & PTE_ADDRESS, physical, "unmapped");
    report_equal(paging_unmap(kernel_tables, address), 0, "unmapped a second time");
    pages_free(page, 1);
}

TEST(map_and_unmap)
{
    map_and_unmap(REGIONS_BASE + 5 * PAGE_SIZE, 0);
    map_and_unmap(0x400000, 0);
}

TEST(mapped_twice)
{
    u64 address = REGIONS_BASE + 6 * PAGE_SIZE;

    report_error(paging_map(kernel_tables, address, PAGE_SIZE, KERNEL_CONSTANTS), 0, "once");
    report_error(paging_map(kernel_tables, address, 0, KERNEL_DATA), -EEXIST, "twice");
    report_equal(paging_unmap(kernel_tables, address), PAGE_SIZE | KERNEL_CONSTANTS,
                 "what is mapped");
    report_error(paging_map(kernel_tables, address, PAGE_SIZE, PTE_KEPT), 0, "kept");
    report_error(paging_map(kernel_tables, address, 0, KERNEL_DATA), -EEXIST, "over what is kept");
    report_equal(paging_unmap(kernel_tables, address), PAGE_SIZE | PTE_KEPT, "what was kept");
}

// Ends in a panic: what lies behind the devices' part of the address space is not theirs.
TEST(too_large_a_device)
{
    device_map(0xf0000000, REGIONS_BASE - DEVICES_BASE + 1);
}

TEST(paging_next)
{
    const u64 base = 0x7000000000, pages[] = { base, base + PAGE_SIZE, base + 5 * LARGE_PAGE_SIZE,
                                               base + (1ul << 39) - PAGE_SIZE };
    u64 end = USER_END, found = 0;

    for (size_t i = 0; i < array_length(pages); i++)
        paging_map(kernel_tables, pages[i], 0, i % 2 ? PTE_KEPT : KERNEL_CONSTANTS);
    for (size_t i = 0; i < array_length(pages); i++, found += PAGE_SIZE) {
        found = paging_next(kernel_tables, found, end);
        report_equal(found, pages[i], "page %zu", i);
    }
    report_equal(paging_next(kernel_tables, found, end), end, "behind the last one");
    report_equal(paging_next(kernel_tables, 0, base), base, "before the first one");
    for (size_t i = 0; i < array_length(pages); i++)
        paging_unmap(kernel_tables, pages[i]);
}

// The local APIC through device_map: version and number of LVT entries that every model here has.
TEST(device_map)
{
    u64 *entry;
    u32 version = local_apic_read(APIC_VERSION);

    report((version & 0xf0) == 0x10, "local APIC, version 0x%x", version);
    entry = paging_entry(kernel_tables, DEVICES_BASE);
    report(entry, "the first device page is mapped");
    if (entry)
        report_equal(*entry & (PTE_UNCACHED | PTE_WRITE_THROUGH | PTE_NO_EXECUTE | PTE_USER),
                     PTE_UNCACHED | PTE_WRITE_THROUGH | PTE_NO_EXECUTE, "its bits");
}

static bool in_ram(u64 physical)
{
    for (size_t i = 0; i < boot_info.ranges; i++)
        if (physical >= boot_info.range[i].start && physical + PAGE_SIZE <= boot_info.range[i].end)
            return true;
    return false;
}

TEST(pages)
{
    enum { COUNT = 512 };
    static u64 *page[COUNT];
    size_t available = pages_available();

    report(available > 1000 && available <= pages_total(), "pages available");
    for (size_t i = 0; i < COUNT; i++) {
        page[i] = pages_allocate(1);
        u64 physical = direct_map_physical(page[i]);
        report(in_ram(physical), "page %lx is RAM", physical);
        report(physical >= image_physical(kernel_end), "page %lx is not the kernel", physical);
        page[i][0] = page[i][PAGE_SIZE / 8 - 1] = (u64)i;
    }
    report_equal(pages_available(), available - COUNT, "pages available after taking some");
    for (size_t i = 0; i < COUNT; i++) {
        report_equal(page[i][0], i, "first word of page %zu", i);
        report_equal(page[i][PAGE_SIZE / 8 - 1], i, "last word of page %zu", i);
        pages_free(page[i], 1);
    }
    u64 *run = pages_allocate(100);
    memset(run, 0x5a, 100 * PAGE_SIZE);
    pages_free(run, 100);
    report_equal(pages_available(), available, "pages available after giving all back");
    report_equal(pages_allocate(pages_total() + 1), NULL, "more pages than there are");
}

// A page with two users stays until both have given it back.
TEST(shared_page)
{
    void *page = pages_allocate(1);
    size_t available = pages_available();

    report_count(page_users(page), 1, "users of a new page");
    page_share(page);
    report_count(page_users(page), 2, "users of one that is shared");
    pages_free(page, 1);
    report_count(page_users(page), 1, "users when one has gone");
    report_count(pages_available(), available, "pages left then");
    pages_free(page, 1);
    report_count(pages_available(), available + 1, "pages left without any");
}

// Ends in a panic.
TEST(page_freed_twice)
{
    void *page = pages_allocate(1);

    pages_free(page, 1);
    pages_free(page, 1);
}

// Takes every page there is: the allocator must not hand one out twice.
TEST(all_pages)
{
    u64 **list = NULL;
    size_t available = pages_available(), count = 0;

    for (u64 **page; (page = pages_allocate(1)); list = page, count++)
        *page = (u64 *)list;
    report_equal(count, available, "pages handed out");
    report_equal(pages_available(), 0, "pages left");
    while (list) {
        u64 **next = (u64 **)*list;
        pages_free(list, 1);
        list = next;
        count--;
    }
    report_equal(count, 0, "pages found again by following the list through them");
    report_equal(pages_available(), available, "pages available again");
}

TEST(heap)
{
    enum { COUNT = 256 };
    static u8 *piece[COUNT];
    static size_t size[COUNT];

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size[i] = i < 3 ? i : test_random() % (i % 16 ? 1100 : 20000);
            piece[i] = heap_allocate(size[i]);
            report_equal((u64)piece[i] % 32, 0, "alignment of piece %zu", i);
            memset(piece[i], (int)i, size[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            bool intact = true;
            for (size_t at = 0; at < size[i]; at++)
                intact = intact && piece[i][at] == (u8)i;
            report(intact, "piece %zu of %zu bytes intact", i, size[i]);
        }
        for (size_t i = 0; i < COUNT; i++)
            heap_free(piece[i * 37 % COUNT]);
    }
    heap_free(NULL);
}

// A timer's callback interrupts whoever takes pages and pieces of the heap, and takes some itself: the
// pages by touching what comes on demand.
enum { TAKEN = 2000, DEMANDED = 1000, BETWEEN = 40 * MICROSECOND };
static u64 *theirs[DEMANDED];
static unsigned interruptions;

static u64 *demanded(unsigned i)
{
    return (u64 *)(REGIONS_BASE + 0x800000000) + i * (PAGE_SIZE / sizeof(u64));
}

static void take_some(struct timer *timer)
{
    unsigned i = interruptions;

    if (i == DEMANDED)
        return;
    *demanded(i) = ~(u64)i;
    theirs[i] = heap_allocate(sizeof(u64));
    *theirs[i] = ~(u64)i;
    interruptions++;
    timer_start(timer, time_ns() + BETWEEN + test_random() % BETWEEN, take_some);
}

TEST(taken_in_interrupts)
{
    static u64 *page[TAKEN], *piece[TAKEN];
    static struct timer timer;
    struct region region = { .start = (u64)demanded(0),
                             .end = (u64)demanded(DEMANDED),
                             .rights = ACCESS_READ | ACCESS_WRITE };
    unsigned wrong = 0, wrong_theirs = 0;

    region_add(&kernel_space, &region);
    interruptions = 0;
    timer_start(&timer, time_ns() + BETWEEN, take_some);
    for (u64 i = 0; i < TAKEN; i++) {
        page[i] = pages_allocate(1);
        piece[i] = heap_allocate(sizeof(u64));
        *page[i] = *piece[i] = i;
    }
    timer_stop(&timer);
    report(interruptions > 10, "interruptions: enough of them");
    for (u64 i = 0; i < TAKEN; i++) {
        wrong += *page[i] != i || *piece[i] != i;
        pages_free(page[i], 1);
        heap_free(piece[i]);
    }
    for (unsigned i = 0; i < interruptions; i++) {
        wrong_theirs += *demanded(i) != ~(u64)i || *theirs[i] != ~(u64)i;
        heap_free(theirs[i]);
    }
    report_count(wrong, 0, "pages and pieces that the interrupts got, too");
    report_count(wrong_theirs, 0, "of those taken in interrupts, that somebody else got, too");
    regions_remove(&kernel_space, region.start, region.end);
}

TEST(heap_freed_twice)
{
    void *piece = heap_allocate(40);

    heap_free(piece);
    heap_free(piece);
}
