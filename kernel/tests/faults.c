// The kernel's own tests: address spaces and their regions, memory and MSRs that may not be there.

#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/safe.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/test.h>

#define READ_WRITE (ACCESS_READ | ACCESS_WRITE)
#define BASE       (REGIONS_BASE + 0x100000000)

static u64 page(unsigned number)
{
    return BASE + number * PAGE_SIZE;
}

static int add(unsigned start, unsigned end, unsigned rights)
{
    return region_add(&kernel_space,
                      &(struct region){ .start = page(start), .end = page(end), .rights = rights });
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
