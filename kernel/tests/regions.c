// The kernel's own tests: regions that join, move, leave gaps, lose their pages, and come from files.

#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/file_pages.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/eaten.h>

#define READ_WRITE (ACCESS_USER | ACCESS_READ | ACCESS_WRITE)
#define BASE       0x20000000000ul

static u64 page(u64 number)
{
    return BASE + number * PAGE_SIZE;
}

static int add(u64 start, u64 end, unsigned rights)
{
    return region_add(&kernel_space,
                      &(struct region){ .start = page(start), .end = page(end), .rights = rights });
}

static void clear(void)
{
    report_error(regions_remove(&kernel_space, BASE, page(0x10000000)), 0, "removing all");
}

static void put(u64 number, u64 value)
{
    report_error(user_put64(page(number), value), 0, "a write to page %lu", number);
}

static void expect(u64 number, u64 value)
{
    u64 got;

    report_error(user_get64(page(number), &got), 0, "a read of page %lu", number);
    report_equal(got, value, "what page %lu holds", number);
}

static void expect_region(u64 number, u64 start, u64 end)
{
    const struct region *region = region_at(&kernel_space, page(number));

    report(region, "page %lu has a region", number);
    if (!region)
        return;
    report_equal(region->start, page(start), "start of page %lu's region", number);
    report_equal(region->end, page(end), "end of page %lu's region", number);
}

TEST(regions_join)
{
    size_t count = kernel_space.count;

    add(0, 2, READ_WRITE);
    add(4, 6, READ_WRITE);
    report_count(kernel_space.count, count + 2, "regions, with a gap between them");
    add(2, 4, READ_WRITE);
    report_count(kernel_space.count, count + 1, "regions, with the gap filled");
    expect_region(5, 0, 6);
    add(6, 8, ACCESS_USER | ACCESS_READ);
    report_count(kernel_space.count, count + 2, "regions, one of other rights");
    regions_protect(&kernel_space, page(2), page(3), ACCESS_USER | ACCESS_READ);
    report_count(kernel_space.count, count + 4, "regions, one cut in three");
    regions_protect(&kernel_space, page(2), page(8), READ_WRITE);
    report_count(kernel_space.count, count + 1, "regions, all of the same rights again");
    expect_region(2, 0, 8);
    clear();
    region_add(&kernel_space,
               &(struct region){
                   .start = page(4), .end = page(5), .rights = READ_WRITE, .lowest = page(2) });
    add(5, 6, READ_WRITE);
    report_count(kernel_space.count, count + 2, "regions: a stack, and what is above it");
    clear();
}

TEST(regions_gap)
{
    struct address_space *space = &kernel_space;
    size_t size = 2 * PAGE_SIZE;

    report_equal(regions_gap(space, page(0), page(20), size), page(18), "all is free");
    report_equal(regions_gap(space, page(0), page(20), 20 * PAGE_SIZE), page(0), "as large as all");
    report_equal(regions_gap(space, page(0), page(20), 21 * PAGE_SIZE), 0, "larger than all");
    add(17, 19, READ_WRITE);
    report_equal(regions_gap(space, page(0), page(20), PAGE_SIZE), page(19), "one page above it");
    report_equal(regions_gap(space, page(0), page(20), size), page(15), "two pages below it");
    report_equal(regions_gap(space, page(16), page(20), size), 0, "no two between 16 and 20");
    report_equal(regions_gap(space, page(0), page(18), size), page(15), "below what it lies in");
    add(10, 13, ACCESS_USER);
    report_equal(regions_gap(space, page(0), page(20), 4 * PAGE_SIZE), page(13), "between two");
    report_equal(regions_gap(space, page(0), page(20), 5 * PAGE_SIZE), page(5), "below both");
    region_add(space,
               &(struct region){
                   .start = page(9), .end = page(10), .rights = READ_WRITE, .lowest = page(6) });
    report_equal(regions_gap(space, page(0), page(10), PAGE_SIZE), page(4),
                 "below what a stack may grow to, and a page between");
    clear();
}

TEST(regions_drop)
{
    size_t available;

    add(0, 4, READ_WRITE);
    for (u64 i = 0; i < 4; i++)
        put(i, i + 1);
    available = pages_available();
    report_error(regions_drop(&kernel_space, page(1), page(3)), 0, "pages 1 and 2");
    report_count(pages_available(), available + 2, "pages left");
    expect(0, 1);
    expect(1, 0);
    expect(2, 0);
    expect(3, 4);
    report_error(regions_drop(&kernel_space, page(3), page(5)), -ENOMEM, "beyond the region");
    expect(3, 0);
    report_error(regions_drop(&kernel_space, page(1) + 1, page(2)), -EINVAL, "a part of a page");
    clear();
}

TEST(regions_move)
{
    struct address_space *space = &kernel_space;

    add(0, 8, READ_WRITE);
    add(20, 21, READ_WRITE);
    put(2, 22);
    put(4, 44);
    put(5, 55);
    report_error(regions_move(space, page(2), page(5), page(30), 3 * PAGE_SIZE), 0, "three pages");
    expect(30, 22);
    expect(31, 0);
    expect(32, 44);
    expect(5, 55);
    expect_region(31, 30, 33);
    report(!region_at(space, page(2)), "nothing is where they were");
    report(!paging_entry(space->tables, page(4)), "and no page");
    report_error(regions_move(space, page(30), page(33), page(21), 5 * PAGE_SIZE), 0,
                 "behind another one, and longer");
    expect_region(21, 20, 26);
    expect(23, 44);
    expect(25, 0);
    report_error(regions_move(space, page(20), page(26), page(3), 6 * PAGE_SIZE), -EEXIST,
                 "over another one");
    report_error(regions_move(space, page(20), page(27), page(30), 7 * PAGE_SIZE), -EFAULT,
                 "more than a region");
    report_error(regions_move(space, page(3), page(4), page(30), PAGE_SIZE), -EFAULT, "nothing");
    report_error(regions_move(space, page(20), page(26), page(30), PAGE_SIZE), -EINVAL,
                 "into less room");
    report_error(regions_move(space, page(20), page(26), USER_END - PAGE_SIZE, 6 * PAGE_SIZE),
                 -EINVAL, "out of the user's half");
    regions_protect(space, page(20), page(26), ACCESS_USER);
    report_error(regions_move(space, page(20), page(26), page(40), 6 * PAGE_SIZE), 0,
                 "without any right");
    regions_protect(space, page(40), page(46), READ_WRITE);
    expect(43, 44);
    clear();
}

// A move needs tables, and there is no memory for them: nothing has moved.
TEST(no_memory_to_move)
{
    const u64 far = 0x8000000;
    size_t count;
    struct eaten *eaten;

    add(0, 8, READ_WRITE);
    put(2, 22);
    put(5, 55);
    count = kernel_space.count;
    eaten = memory_eat(1);
    report_error(regions_move(&kernel_space, page(1), page(7), page(far), 6 * PAGE_SIZE), -ENOMEM,
                 "three tables and one page");
    report_count(kernel_space.count, count, "regions afterwards");
    expect(2, 22);
    expect(5, 55);
    memory_give_back(eaten);
    report_error(regions_move(&kernel_space, page(1), page(7), page(far), 6 * PAGE_SIZE), 0,
                 "with memory");
    expect(far + 1, 22);
    expect(far + 4, 55);
    clear();
}

// A program cannot have more regions than there may be.
TEST(too_many_regions)
{
    size_t before = kernel_space.count, most = REGIONS_MOST - before;
    size_t available = pages_available();

    for (u64 i = 0; i < most; i++)
        if (add(2 * i, 2 * i + 1, READ_WRITE) != 0)
            break;
    report_count(kernel_space.count, REGIONS_MOST, "regions that could be had");
    report_error(add(2 * most, 2 * most + 1, READ_WRITE), -ENOMEM, "one more");
    report_error(regions_remove(&kernel_space, page(0), page(1)), 0, "one less");
    report_error(add(0, 1, READ_WRITE), 0, "and one more");
    clear();
    report_count(kernel_space.count, before, "regions afterwards");
    report(available - pages_available() < most * 128 / PAGE_SIZE + 300,
           "only the heap has kept memory");
}

TEST(file_pages)
{
    enum { SIZE = 2 * PAGE_SIZE + 100 };
    static char content[SIZE];
    const struct region region = {
        .start = page(0),
        .end = page(3),
        .rights = READ_WRITE,
        .fill = file_pages_fill,
        .context = content,
        .offset = PAGE_SIZE,
        .limit = SIZE,
    };
    u64 got[2];

    for (u64 i = 0; i < SIZE / 8; i++)
        ((u64 *)content)[i] = i;
    report_error(region_add(&kernel_space, &region), 0, "from the second page on");
    expect(0, PAGE_SIZE / 8);
    expect(1, 2 * PAGE_SIZE / 8);
    report_count(copy_from_user(got, page(1) + 96, 16), 0, "bytes of the last page not read");
    report_equal((u32)got[0], *(u32 *)(content + SIZE - 4), "the last four bytes");
    report_equal(got[0] >> 32 | got[1], 0, "behind them");
    expect(2, 0);
    put(0, 1);
    report_equal(*(u64 *)(content + PAGE_SIZE), PAGE_SIZE / 8, "what is mapped, after a write");
    report_error(regions_move(&kernel_space, page(1), page(2), page(9), PAGE_SIZE), 0, "moved");
    report_error(regions_drop(&kernel_space, page(9), page(10)), 0, "dropped");
    expect(9, 2 * PAGE_SIZE / 8);
    regions_move(&kernel_space, page(9), page(10), page(1), PAGE_SIZE);
    expect_region(1, 0, 3);
    clear();
}
