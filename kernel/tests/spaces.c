// The kernel's own tests: address spaces of programs, given back with all that was in them.

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/user.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/tests/eaten.h>

enum { MANY = 200 };

#define USER  (ACCESS_USER | ACCESS_READ)
#define BASE  0x10000000ul
#define STACK (USER_END - PAGE_SIZE)

static int fill_nothing(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    (void)memory;
    return 0;
}

static int fill_fails(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    (void)memory;
    return -EIO;
}

static void touch(struct address_space *space, u64 address, unsigned access, int error)
{
    report_error(demand_fault(space, address, ACCESS_USER | access, false), error,
                 "the touch of 0x%lx", address);
}

// Regions of all kinds, each with pages in all states.
static void populate(struct address_space *space)
{
    const struct region regions[] = {
        { .start = 0, .end = PAGE_SIZE, .rights = USER | ACCESS_WRITE },
        { .start = BASE, .end = BASE + 4 * PAGE_SIZE, .rights = USER | ACCESS_WRITE },
        { .start = BASE + 4 * PAGE_SIZE,
          .end = BASE + 6 * PAGE_SIZE,
          .rights = USER,
          .fill = fill_nothing },
        { .start = BASE + 6 * PAGE_SIZE,
          .end = BASE + 7 * PAGE_SIZE,
          .rights = USER,
          .fill = fill_fails },
        { .start = BASE + 8 * PAGE_SIZE, .end = BASE + 9 * PAGE_SIZE, .rights = ACCESS_USER },
        { .start = STACK - PAGE_SIZE,
          .end = STACK,
          .rights = USER | ACCESS_WRITE,
          .lowest = STACK - MANY * PAGE_SIZE },
        { .start = STACK, .end = USER_END, .rights = USER | ACCESS_EXECUTE },
    };

    for (size_t i = 0; i < array_length(regions); i++)
        report_error(region_add(space, &regions[i]), 0, "region %zu", i);
    touch(space, 0, ACCESS_WRITE, 0);
    touch(space, BASE, ACCESS_READ, 0); // the zero page
    touch(space, BASE + PAGE_SIZE, ACCESS_WRITE, 0);
    touch(space, BASE + 2 * PAGE_SIZE, ACCESS_READ, 0);
    report_error(demand_fault(space, BASE + 2 * PAGE_SIZE, ACCESS_USER | ACCESS_WRITE, true), 0,
                 "a page of its own in its place");
    touch(space, BASE + 4 * PAGE_SIZE, ACCESS_READ, 0);
    touch(space, BASE + 6 * PAGE_SIZE, ACCESS_READ, -EIO);
    touch(space, BASE + 8 * PAGE_SIZE, ACCESS_READ, -EFAULT);
    touch(space, STACK - 9 * PAGE_SIZE, ACCESS_WRITE, 0);
    touch(space, STACK, ACCESS_EXECUTE, 0);
    report_error(regions_protect(space, BASE + PAGE_SIZE, BASE + 2 * PAGE_SIZE, ACCESS_USER), 0,
                 "a page that is kept and may not be touched");
}

static void add_many(struct address_space *space)
{
    for (u64 i = 0; i < MANY; i++) {
        u64 start = BASE + (10 + 3 * i) * LARGE_PAGE_SIZE; // a table each

        report_error(region_add(space, &(struct region){ .start = start,
                                                         .end = start + PAGE_SIZE,
                                                         .rights = USER | ACCESS_WRITE }),
                     0, "one of many regions");
        touch(space, start, i % 2 ? ACCESS_READ : ACCESS_WRITE, 0);
    }
}

TEST(space_given_back)
{
    const void *zeroes = direct_map(image_physical(zero_page));
    size_t before = 0, users = page_users(zeroes);

    for (unsigned round = 0; round < 3; round++) { // the first one leaves its pieces to the heap
        struct address_space *space = space_new();

        report(space, "an address space");
        if (!space)
            return;
        populate(space);
        add_many(space);
        space_free(space);
        if (round)
            report_count(pages_available(), before, "free pages after round %u", round);
        before = pages_available();
    }
    report_count(page_users(zeroes), users, "users of the page of zeroes");
}

// A page that two have, as fork will make it: the last one gives it back.
TEST(space_with_a_shared_page)
{
    struct address_space *spaces[2] = { space_new(), space_new() };
    const struct region region = { .start = BASE,
                                   .end = BASE + PAGE_SIZE,
                                   .rights = USER | ACCESS_WRITE };
    size_t before;
    char *page;

    if (!spaces[0] || !spaces[1])
        return;
    for (unsigned i = 0; i < 2; i++)
        report_error(region_add(spaces[i], &region), 0, "the region");
    before = pages_available();
    touch(spaces[0], BASE, ACCESS_WRITE, 0);
    page = direct_map(*paging_entry(spaces[0]->tables, BASE) & PTE_ADDRESS);
    page_share(page);
    report_error(paging_map(spaces[1]->tables, BASE, direct_map_physical(page), demand_flags(USER)),
                 0, "the same page in the other one");
    space_free(spaces[0]);
    report_count(page_users(page), 1, "users of the page, when one is gone");
    space_free(spaces[1]);
    report(pages_available() > before, "all pages are given back");
}

// With every number of pages that is too small.
TEST(space_without_memory)
{
    enum { MOST = 16 };
    size_t rest, made = 0;

    for (rest = 0; rest < MOST && !made; rest++) {
        struct eaten *eaten = memory_eat(rest);
        struct address_space *space = space_new();
        size_t left = pages_available();

        if (!space)
            report_equal(space_new(), NULL, "no address space of %zu pages", left);
        report(space || pages_available() == left, "and no page is lost");
        made = space ? rest : 0;
        memory_give_back(eaten);
        if (space)
            space_free(space);
    }
    report(made == 1 || made == 2, "an address space is made of %zu pages", made);
}

// The page that a touch wants, the tables above it, each missing once.
TEST(touch_without_memory)
{
    struct address_space *space = space_new();
    size_t rest = 0;
    int error;

    if (!space)
        return;
    region_add(space, &(struct region){
                          .start = BASE, .end = BASE + PAGE_SIZE, .rights = USER | ACCESS_WRITE });
    do {
        struct eaten *eaten = memory_eat(rest++);

        error = demand_fault(space, BASE, ACCESS_USER | ACCESS_WRITE, false);
        memory_give_back(eaten);
        report(!error || error == -ENOMEM, "what a touch comes to with little memory");
    } while (error && rest < 8);
    report(rest > 1 && rest <= 5, "it takes a page and up to three tables, %zu", rest - 1);
    space_free(space);
}
