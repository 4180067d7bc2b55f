// The kernel's own tests: address spaces and their regions, memory and MSRs that may not be there.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/regs.h>
#include <arch/safe.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/heap.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/traps.h>
#include <mm/fault.h>

#define READ_WRITE   (ACCESS_READ | ACCESS_WRITE)
#define RESERVED_BIT (1ul << 51) // no CPU here has so many bits of physical addresses
#define BASE         (REGIONS_BASE + 0x100000000)
#define USER_BASE    0x10000000000ul

// Before the table of exceptions is sorted and the regions are there: a null pointer ends in a panic,
// and its report is whole.
TEST_BEFORE(INIT_FAULTS, early_null)
{
    asm volatile("mov byte ptr [%0], 1" ::"r"(0x10ul) : "memory");
}

static u64 page(unsigned number)
{
    return BASE + number * PAGE_SIZE;
}

static int add(unsigned start, unsigned end, unsigned rights)
{
    return region_add(&kernel_space,
                      &(struct region){ .start = page(start), .end = page(end), .rights = rights });
}

// A page of the user's; all of its half is free.
static u64 user_page(unsigned number)
{
    return USER_BASE + number * PAGE_SIZE;
}

static int add_user(unsigned start, unsigned end, unsigned rights)
{
    return region_add(
        &kernel_space,
        &(struct region){ .start = user_page(start), .end = user_page(end), .rights = rights });
}

static u64 entry_of(u64 address)
{
    u64 *entry = paging_entry(kernel_tables, address);

    return entry ? *entry : 0;
}

static void expect_rights(unsigned number, unsigned rights)
{
    const struct region *region = region_at(&kernel_space, page(number));

    report_equal(region ? region->rights : 0, rights, "rights of page %u", number);
}

static void clear_regions(void)
{
    report_error(regions_remove(&kernel_space, BASE, page(100)), 0, "removing all");
}

TEST(region_add)
{
    size_t count = kernel_space.count;

    report_error(add(10, 12, READ_WRITE), 0, "pages 10 and 11");
    report_error(add(30, 31, ACCESS_READ), 0, "page 30");
    report_error(add(12, 13, ACCESS_READ), 0, "page 12, next to another");
    report_error(add(0, 5, READ_WRITE), 0, "pages 0 to 4, below all others");
    report_error(add(11, 14, READ_WRITE), -EEXIST, "pages 11 to 13 again");
    report_error(add(0, 100, READ_WRITE), -EEXIST, "all over again");
    report_error(add(4, 10, READ_WRITE), -EEXIST, "page 4 again");
    report_error(add(5, 5, READ_WRITE), -EINVAL, "no page");
    report_error(add(6, 5, READ_WRITE), -EINVAL, "less than no page");
    report_error(add(5, 6, ACCESS_WRITE), -EINVAL, "a page that cannot be read");
    report_error(
        region_add(&kernel_space,
                   &(struct region){ .start = page(5), .end = page(6) + 1, .rights = READ_WRITE }),
        -EINVAL, "a part of a page");
    report_error(region_add(&kernel_space, &(struct region){ .start = USER_END - PAGE_SIZE,
                                                             .end = USER_END + PAGE_SIZE,
                                                             .rights = READ_WRITE }),
                 -EINVAL, "a region that is half the user's");
    report_error(region_add(&kernel_space, &(struct region){ .start = page(5),
                                                             .end = page(6),
                                                             .lowest = REGIONS_BASE - PAGE_SIZE,
                                                             .rights = READ_WRITE }),
                 -EINVAL, "a stack that may grow out of its part");
    report_error(add(5, 6, READ_WRITE | ACCESS_EXECUTE), -EINVAL, "writable and executable");
    report_error(add(5, 6, READ_WRITE | ACCESS_USER), -EINVAL, "a user's in the kernel's half");
    report_error(add_user(0, 1, READ_WRITE), -EINVAL, "the kernel's in the user's half");
    expect_rights(4, READ_WRITE);
    expect_rights(5, 0);
    expect_rights(11, READ_WRITE);
    expect_rights(12, ACCESS_READ);
    expect_rights(13, 0);
    expect_rights(30, ACCESS_READ);
    for (unsigned i = 40; i < 60; i++)
        report_error(add(i, i + 1, ACCESS_READ), 0, "page %u", i);
    for (unsigned i = 40; i < 60; i++)
        expect_rights(i, ACCESS_READ);
    clear_regions();
    report_count(kernel_space.count, count, "regions afterwards");
}

// What mprotect and munmap do: they begin and end in the middle of regions.
TEST(regions_cut)
{
    size_t available;

    add(0, 10, READ_WRITE);
    add(10, 20, ACCESS_READ);
    *(volatile u8 *)page(4) = 1; // tables and a page come
    *(volatile u8 *)page(5) = 1;
    available = pages_available();
    report_error(regions_protect(&kernel_space, page(5), page(12), ACCESS_READ | ACCESS_EXECUTE), 0,
                 "protecting pages 5 to 11");
    expect_rights(4, READ_WRITE);
    expect_rights(5, ACCESS_READ | ACCESS_EXECUTE);
    expect_rights(11, ACCESS_READ | ACCESS_EXECUTE);
    expect_rights(12, ACCESS_READ);
    report_equal(*paging_entry(kernel_tables, page(5)) & (PTE_WRITABLE | PTE_NO_EXECUTE), 0,
                 "the entry of page 5: not writable, executable");
    report_equal(*paging_entry(kernel_tables, page(4)) & PTE_WRITABLE, PTE_WRITABLE,
                 "that of page 4 is still writable");
    report_error(regions_protect(&kernel_space, page(15), page(21), READ_WRITE), -ENOMEM,
                 "protecting pages of which one has no region");
    expect_rights(15, ACCESS_READ);
    report_error(regions_remove(&kernel_space, page(5), page(6)), 0, "removing page 5");
    expect_rights(4, READ_WRITE);
    expect_rights(5, 0);
    expect_rights(6, ACCESS_READ | ACCESS_EXECUTE);
    report(!paging_entry(kernel_tables, page(5)), "page 5 is not mapped");
    report_count(pages_available(), available + 1, "pages left when page 5 has come back");
    report_error(regions_remove(&kernel_space, page(50), page(60)), 0, "removing nothing");
    report_error(regions_remove(&kernel_space, page(50), page(50)), -EINVAL, "removing no page");
    clear_regions();
}

// Memory that nobody may touch keeps what it holds until somebody may again.
TEST(no_access)
{
    u64 address = user_page(0), physical;
    size_t available;
    u32 value = 0;

    report_error(add_user(0, 2, ACCESS_USER), 0, "a region without any access");
    report_error(user_put32(address, 1), -EFAULT, "writing there");
    report_error(user_get32(address, &value), -EFAULT, "reading there");
    regions_protect(&kernel_space, address, address + 2 * PAGE_SIZE, READ_WRITE | ACCESS_USER);
    report_error(user_put32(address, 0xf00d), 0, "writing when it is allowed");
    report_error(user_get32(address + PAGE_SIZE, &value), 0, "reading when it is allowed");
    physical = entry_of(address) & PTE_ADDRESS;
    available = pages_available();
    report_error(regions_protect(&kernel_space, address, address + 2 * PAGE_SIZE, ACCESS_USER), 0,
                 "forbidding it again");
    report_equal(entry_of(address) & (PTE_PRESENT | PTE_ADDRESS), physical,
                 "the entry: not present, the same page");
    report_error(user_get32(address, &value), -EFAULT, "reading there");
    report_equal(pages_available(), available, "pages left");
    regions_protect(&kernel_space, address, address + PAGE_SIZE, ACCESS_READ | ACCESS_USER);
    report_error(user_get32(address, &value), 0, "reading when it is allowed again");
    report_equal(value, 0xf00d, "what was read");
    report_error(user_put32(address, 1), -EFAULT, "writing when only reading is allowed");
    report_error(regions_remove(&kernel_space, address, address + 2 * PAGE_SIZE), 0, "removing it");
    report_equal(entry_of(address) | entry_of(address + PAGE_SIZE), 0, "its entries then");
    report_count(pages_available(), available + 1, "pages left then");
}

// As a program would reserve it. Without a jump over what has no tables this takes hours.
TEST(huge_region)
{
    const unsigned rights = READ_WRITE | ACCESS_USER;
    struct region region = { .start = 1ul << 40, .end = USER_END, .rights = rights };
    u64 in_the_middle = (1ul << 46) + 5 * PAGE_SIZE;
    size_t available;

    report_error(region_add(&kernel_space, &region), 0, "a region of 127 TiB");
    report_error(user_put32(in_the_middle, 1), 0, "touching one page");
    available = pages_available();
    report_error(
        regions_protect(&kernel_space, region.start, region.end, ACCESS_READ | ACCESS_USER), 0,
        "protecting it");
    report_equal(entry_of(in_the_middle) & PTE_WRITABLE, 0, "the page is writable");
    report_error(regions_remove(&kernel_space, region.start, region.end), 0, "removing it");
    report_equal(entry_of(in_the_middle), 0, "the page's entry");
    report_count(pages_available(), available + 1, "pages left then");
}

// A stack grows for what its region allows, and not at all for anything else.
TEST(refused_growth)
{
    region_add(&kernel_space,
               &(struct region){
                   .start = page(20), .end = page(21), .rights = READ_WRITE, .lowest = page(2) });
    report_error(demand_fault(&kernel_space, page(10), ACCESS_EXECUTE, false), -EFAULT,
                 "a fetch from below a stack");
    report(!region_at(&kernel_space, page(10)), "the stack is as it was");
    report_error(demand_fault(&kernel_space, page(10), ACCESS_WRITE, false), 0, "a write");
    report(region_at(&kernel_space, page(10)), "the stack has grown");
    clear_regions();
}

static int context_seen;

// What a file's page would be: its offset in the file.
static int fill_with_offset(const struct region *region, u64 address, void *memory)
{
    *(u64 *)memory = region->offset + (address - region->start);
    context_seen += region->context == &context_seen;
    return 0;
}

TEST(fill_of_a_cut_region)
{
    struct region region = { .start = page(0),
                             .end = page(10),
                             .rights = READ_WRITE,
                             .fill = fill_with_offset,
                             .context = &context_seen,
                             .offset = 0x7000 };

    context_seen = 0;
    region_add(&kernel_space, &region);
    regions_protect(&kernel_space, page(3), page(5), ACCESS_READ);
    for (unsigned i = 0; i < 10; i++)
        report_equal(*(const u64 *)page(i), 0x7000 + i * PAGE_SIZE, "what page %u was filled with",
                     i);
    report_count(context_seen, 10, "pages filled with the region's context");
    clear_regions();
}

// Somebody else, on another CPU, may have mended it, or the CPU may have an entry of before.
TEST(mended_already)
{
    u64 entry;

    add(0, 2, READ_WRITE);
    *(volatile u64 *)page(0) = 0x5eed;
    entry = entry_of(page(0));
    report_error(demand_fault(&kernel_space, page(0), ACCESS_READ, false), 0,
                 "there is a page now");
    report_error(demand_fault(&kernel_space, page(0), ACCESS_WRITE, false), 0, "for a write, too");
    report_error(demand_fault(&kernel_space, page(0), ACCESS_WRITE, true), 0, "writable by now");
    report_error(demand_fault(&kernel_space, page(0), ACCESS_READ, true), 0, "readable by now");
    report_error(demand_fault(&kernel_space, page(1), ACCESS_READ, true), 0, "gone by now");
    report_equal(entry_of(page(0)), entry, "the entry afterwards");
    report_error(demand_fault(&kernel_space, page(0), ACCESS_EXECUTE, true), -EFAULT, "a fetch");
    clear_regions();
}

// As after a fork: two pages of a region are one page of memory.
TEST(shared_by_two)
{
    void *memory;
    u64 *first = (u64 *)page(0), *second = (u64 *)page(1);
    size_t available;

    add(0, 2, READ_WRITE);
    *first = 0x5eed;
    memory = direct_map(entry_of(page(0)) & PTE_ADDRESS);
    page_share(memory);
    paging_map(kernel_tables, page(1), direct_map_physical(memory), KERNEL_CONSTANTS);
    demand_protect(&kernel_space, page(0), READ_WRITE);
    report_equal(entry_of(page(0)) & PTE_WRITABLE, 0, "a page that is shared is writable");
    available = pages_available();
    *(volatile u64 *)&second[1] = 0xf00d;
    report_equal(second[0], 0x5eed, "the copy's first word");
    report_equal(second[1], 0xf00d, "the word that was written");
    report_equal(first[1], 0, "the same word of the other one");
    report_count(pages_available(), available - 1, "pages left, with the copy");
    *(volatile u64 *)&first[1] = 1;
    report_equal(entry_of(page(0)) & PTE_ADDRESS, direct_map_physical(memory),
                 "the page of the last one that uses it");
    report_count(pages_available(), available - 1, "pages left then");
    clear_regions();
    report_count(pages_available(), available + 1, "pages left at the end");
}

TEST(space_switch)
{
    struct address_space space = { .tables = pages_allocate(1) };
    struct region region = { .start = USER_BASE,
                             .end = USER_BASE + PAGE_SIZE,
                             .rights = READ_WRITE | ACCESS_USER };

    page_clear(space.tables);
    for (unsigned i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++)
        space.tables[i] = kernel_tables[i];
    report_error(region_add(&space, &region), 0, "a region of its own");
    report_error(user_put32(USER_BASE, 1), -EFAULT, "writing there, in the kernel's space");
    space_switch(&space);
    report_equal(this_cpu()->space, &space, "the space that runs");
    report_equal(read_cr3() & PTE_ADDRESS, direct_map_physical(space.tables), "CR3");
    report(space_of(USER_BASE) == &space, "the space of a user's address");
    report(space_of(BASE) == &kernel_space, "the space of an address of the kernel's");
    report_error(user_put32(USER_BASE, 1), 0, "writing there, in the new one");
    space_switch(&kernel_space);
    report_equal(read_cr3() & PTE_ADDRESS, direct_map_physical(kernel_tables), "CR3 at the end");
    report_error(user_put32(USER_BASE, 1), -EFAULT, "writing there, in the kernel's again");
    regions_remove(&space, region.start, region.end);
    heap_free(space.regions);
    pages_free(space.tables, 1);
}

// An instruction of the exception table that has not opened the window.
static int read_without_window(u64 address)
{
    asm goto(MAY_FAULT("mov al, [%0]", "%l[fault]")::"r"(address) : "rax", "memory" : fault);
    return 0;
fault:
    return -EFAULT;
}

// Whoever only looks makes no page come, and whoever touches a user's page by mistake does not.
TEST(only_looking)
{
    size_t available;
    u64 value = 1;

    add(0, 1, READ_WRITE);
    add_user(0, 1, READ_WRITE | ACCESS_USER);
    available = pages_available();
    report_error(read_safe(page(0), &value), -EFAULT, "looking at a page that has not come");
    report_equal(value, 0, "what was read");
    report_error(read_safe(user_page(0), &value), -EFAULT, "looking at a user's");
    if (features.smap)
        report_error(read_without_window(user_page(0)), -EFAULT, "reading it with SMAP on");
    report_count(pages_available(), available, "pages left");
    report_equal(entry_of(page(0)) | entry_of(user_page(0)), 0, "entries of the two pages");
    *(volatile u64 *)page(0) = 0x5eed;
    report_error(read_safe(page(0), &value), 0, "looking at it when it has come");
    report_equal(value, 0x5eed, "what was read");
    regions_remove(&kernel_space, user_page(0), user_page(1));
    clear_regions();
}

// A page whose entry has a bit set that must be 0. Returns its address.
static u64 break_tables(void)
{
    add_user(0, 1, READ_WRITE | ACCESS_USER);
    user_put32(user_page(0), 1);
    *paging_entry(kernel_tables, user_page(0)) |= RESERVED_BIT;
    invalidate_page(user_page(0));
    return user_page(0);
}

TEST(looking_at_broken_tables)
{
    u64 value = 1, address = break_tables();

    report_error(read_safe(address, &value), -EFAULT, "looking at a page with broken tables");
    *paging_entry(kernel_tables, address) &= ~RESERVED_BIT;
    regions_remove(&kernel_space, address, address + PAGE_SIZE);
}

// These end in panics. Broken tables are a bug, whoever touches the page.
TEST(broken_tables)
{
    user_put32(break_tables(), 1);
}

// A bit of the error code that this kernel has no name for.
TEST(unknown_error_bit)
{
    struct pt_regs regs;

    regs_capture(&regs);
    do_page_fault(&regs, PF_PRESENT | 1ul << 31, VECTOR_PF);
}

// 1 GiB in one entry, which allows a user to come; the entry above does not.
TEST(huge_page)
{
    u64 *top = &kernel_tables[table_index(USER_BASE, TOP_LEVEL)], *table = pages_allocate(1);

    page_clear(table);
    *top = direct_map_physical(table) | PTE_PRESENT | PTE_WRITABLE;
    table[table_index(USER_BASE, HUGE_LEVEL)] = PTE_PRESENT | PTE_USER | PTE_LARGE;
    *(volatile u8 *)(USER_BASE + 0x123456) = 1;
}

static int fail(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    (void)memory;
    return -EIO;
}

TEST(fill_fails)
{
    region_add(
        &kernel_space,
        &(struct region){ .start = page(0), .end = page(1), .rights = READ_WRITE, .fill = fail });
    *(volatile u8 *)page(0) = 1;
}

// What ring 3 would do. There is none yet to do it.
TEST(fault_of_a_program)
{
    struct pt_regs regs;

    regs_capture(&regs);
    regs.cs = USER_CS;
    do_page_fault(&regs, PF_USER, VECTOR_PF);
}

// A far return in QEMU, with rsp in the kernel's half: whoever it calls the reader, a program did it.
TEST(fault_of_a_program_called_the_kernels)
{
    struct pt_regs regs;

    regs_capture(&regs);
    regs.cs = USER_CS;
    write_cr2(STACKS_BASE);
    do_page_fault(&regs, 0, VECTOR_PF);
}

TEST(safe_access)
{
    u64 value = 1;

    report_error(read_safe((u64)&value, &value), 0, "reading a variable");
    report_equal(value, 1, "the variable");
    report_error(read_safe(BASE, &value), -EFAULT, "reading what is not mapped");
    report_error(read_safe(USER_END, &value), -EFAULT, "reading what is not canonical");
    report_error(msr_read_safe(MSR_EFER, &value), 0, "reading EFER");
    report_equal(value, msr_read(MSR_EFER), "EFER");
    report_error(msr_write_safe(MSR_EFER, value), 0, "writing EFER");
}

TEST(protections)
{
    report(read_cr0() & CR0_WP, "CR0.WP");
    report(msr_read(MSR_EFER) & EFER_NXE, "EFER.NXE");
    report_equal(read_cr4() & CR4_SMEP, features.smep ? CR4_SMEP : 0, "CR4.SMEP");
    report_equal(read_cr4() & CR4_SMAP, features.smap ? CR4_SMAP : 0, "CR4.SMAP");
    report_equal(read_cr4() & CR4_UMIP, features.umip ? CR4_UMIP : 0, "CR4.UMIP");
    report_equal(this_cpu()->space, &kernel_space, "the address space at first");
}

// Ends in a panic that names the stack.
TEST(below_the_stack)
{
    *(volatile u8 *)(boot_stack_guard + 100) = 1;
}
