// Lab 04: what a page fault says, what mends it, and what happens when nothing does.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/safe.h>
#include <arch/user.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/traps.h>
#include <mm/fault.h>

#include "triggers.h"

enum { ENOUGH = 4 }; // faults of one instruction; complaints of one kind

#define USER_BASE 0x400000ul
#define ABSENT    (REGIONS_BASE + 0x3000000000) // no region ever

#define WITNESS_OFFSET 0x2000000000ul // from where the regions of other tests are

#define READ_WRITE      (ACCESS_READ | ACCESS_WRITE)
#define USER_READ_WRITE (READ_WRITE | ACCESS_USER)

// ---- handlers -------------------------------------------------------------------------------------

static struct {
    unsigned count;
    struct fault fault; // what hole 4.1 made of it
    u64 cr2, code;      // what the CPU said
    u64 rflags;         // of the interrupted code
    u64 handler_rflags;
    bool gave_up; // nothing mended it
} seen;

static void note(const struct pt_regs *regs, u64 code)
{
    seen.count++;
    seen.cr2 = read_cr2();
    seen.code = code;
    seen.rflags = regs->rflags;
    seen.handler_rflags = read_rflags();
}

// Notes the fault and goes on without the touch.
static void catch_fault(struct pt_regs *regs, u64 code, unsigned vector)
{
    (void)vector;
    note(regs, code);
    seen.fault = fault_read(code);
    regs->rip = (u64)touch_over;
}

// Where no fault is to be. The kernel's handlers would ask the exception table first, and that may not be
// written yet, or be what has gone wrong.
static void report_fault(struct pt_regs *regs, u64 code, unsigned vector)
{
    if (vector == VECTOR_PF)
        panic_at(regs, "page fault at 0x%lx, error code 0x%lx", read_cr2(), code);
    panic_at(regs, "vector %u, %s, error code 0x%lx", vector, vectors[vector].name, code);
}

// Counts, and lets the kernel mend it; gives up on an instruction that faults again and again.
static void watch_copy(struct pt_regs *regs, u64 code, unsigned vector)
{
    note(regs, code);
    if (seen.count > ENOUGH) {
        seen.gave_up = true;
        regs->rip = (u64)touch_over;
        return;
    }
    do_page_fault(regs, code, vector);
}

// The same where nobody touches a user's address.
static void watch_fault(struct pt_regs *regs, u64 code, unsigned vector)
{
    if (read_cr2() < USER_END)
        report_fault(regs, code, vector);
    watch_copy(regs, code, vector);
}

// Until end(), `handler` gets all page faults; #GP is expected of nobody.
static void begin(trap_handler *handler)
{
    memset(&seen, 0, sizeof(seen));
    trap_set_handler(VECTOR_PF, handler);
    trap_set_handler(VECTOR_GP, report_fault);
}

static void end(void)
{
    trap_set_handler(VECTOR_PF, NULL);
    trap_set_handler(VECTOR_GP, NULL);
}

static void catch_read(u64 address)
{
    begin(catch_fault);
    touch_read(address);
    end();
}

static void catch_write(u64 address)
{
    begin(catch_fault);
    touch_write(address, 0);
    end();
}

static void catch_fetch(u64 address)
{
    begin(catch_fault);
    touch_fetch(address);
    end();
}

// Writes a byte where the kernel is to mend the fault; returns whether it did.
static bool write_mended(u64 address, u8 value)
{
    begin(watch_fault);
    touch_write(address, value);
    end();
    report_count(seen.count, 1, "page faults until the byte at 0x%lx was written", address);
    return !seen.gave_up;
}

static bool read_mended(u64 address)
{
    begin(watch_fault);
    touch_read(address);
    end();
    report_count(seen.count, 1, "page faults until the byte at 0x%lx was read", address);
    return !seen.gave_up;
}

// ---- memory ---------------------------------------------------------------------------------------

static u64 random_page(u64 pages)
{
    return test_random() % pages * PAGE_SIZE;
}

// A region of `pages` pages for the test alone; the kernel's own somewhere new in each test.
static struct region make_region(u64 pages, unsigned rights)
{
    struct region region = { .rights = rights };

    region.start = rights & ACCESS_USER ? USER_BASE : REGIONS_BASE;
    region.start += random_page(0x10000);
    region.end = region.start + pages * PAGE_SIZE;
    return region;
}

static void add(const struct region *region)
{
    report_error(region_add(&kernel_space, region), 0, "region_add");
}

static void forget(const struct region *region)
{
    regions_remove(&kernel_space, region->start, region->end);
}

static u64 entry_at(u64 address)
{
    u64 *entry = paging_entry(kernel_tables, address);

    return entry ? *entry & ~(PTE_ACCESSED | PTE_DIRTY) : 0;
}

static u64 *page_at(u64 address)
{
    return direct_map(entry_at(address) & PTE_ADDRESS);
}

// Takes every page that is left, up to the last `but`; puts something into each.
static u64 *take_all_pages(void)
{
    u64 *list = NULL;

    for (u64 *page; (page = pages_allocate(1)); list = page) {
        for (size_t word = 1; word < PAGE_SIZE / 8; word += 73)
            page[word] = ~0ul;
        page[PAGE_SIZE / 8 - 1] = ~0ul;
        page[0] = (u64)list;
    }
    return list;
}

static void give_back(u64 *list)
{
    while (list) {
        u64 *next = (u64 *)list[0];

        list[0] = ~0ul;
        pages_free(list, 1);
        list = next;
    }
}

// ---- hole 4.1: what the CPU says ------------------------------------------------------------------

static void expect_address(u64 address)
{
    catch_read(address);
    report_count(seen.count, 1, "page faults for a read at 0x%lx", address);
    report_equal(seen.fault.address, address, "address of a read");
    catch_write(address);
    report_count(seen.count, 1, "page faults for a write at 0x%lx", address);
    report_equal(seen.fault.address, address, "address of a write");
}

TEST(address)
{
    for (int i = 0; i < ENOUGH; i++) {
        expect_address(test_random() & (USER_END - 1));
        expect_address(ABSENT + (test_random() & 0xffffffff));
    }
}

static void expect_fields(const struct fault *fault, u64 code, const char *what)
{
    unsigned access = code & PF_FETCH   ? ACCESS_EXECUTE
                      : code & PF_WRITE ? ACCESS_WRITE
                                        : ACCESS_READ;

    report_equal(fault->access & ~(unsigned)ACCESS_USER, access,
                 "%s, code 0x%lx: access, 1 read, 2 write, 4 execute", what, code);
    report_equal(fault->access & ACCESS_USER, code & PF_USER ? ACCESS_USER : 0,
                 "%s, code 0x%lx: ACCESS_USER", what, code);
    report_equal(fault->present, code & PF_PRESENT ? 1 : 0, "%s, code 0x%lx: present", what, code);
    report_equal(fault->reserved, code & PF_RESERVED ? 1 : 0, "%s, code 0x%lx: reserved", what,
                 code);
}

// Codes that a CPU can push; some need ring 3, or features that this kernel does not use.
TEST(error_bits)
{
    static const struct {
        u64 code;
        const char *what;
    } codes[] = {
        { 0, "read, no page" },
        { PF_WRITE, "write, no page" },
        { PF_FETCH, "fetch, no page" },
        { PF_PRESENT | PF_WRITE, "write to a page" },
        { PF_PRESENT | PF_USER, "user's read of a page" },
        { PF_WRITE | PF_USER, "user's write, no page" },
        { PF_PRESENT | PF_USER | PF_FETCH, "user's fetch from a page" },
        { PF_PRESENT | PF_RESERVED, "read through a broken table" },
        { PF_PRESENT | PF_WRITE | PF_RESERVED, "write through a broken table" },
        { PF_PRESENT | PF_USER | PF_PROTECTION_KEY, "read that a protection key forbids" },
        { PF_PRESENT | PF_WRITE | PF_USER | PF_SHADOW_STACK, "write to a shadow stack" },
    };

    for (size_t i = 0; i < array_length(codes); i++) {
        struct fault fault = fault_read(codes[i].code);

        report_equal(fault.code, codes[i].code, "%s: code", codes[i].what);
        expect_fields(&fault, codes[i].code, codes[i].what);
    }
}

// One fault, and what hole 4.1 made of it. `bits` are what its code must have.
static void expect_caught(u64 address, u64 bits, const char *what)
{
    report_count(seen.count, 1, "%s: page faults", what);
    if (seen.count != 1)
        return;
    report_equal(seen.fault.address, address, "%s: address", what);
    report_equal(seen.code, bits, "%s: error code", what);
    expect_fields(&seen.fault, bits, what);
}

TEST(write_protect)
{
    u64 address = (u64)&zero_page[test_random() % PAGE_SIZE];

    catch_write(address);
    expect_caught(address, PF_PRESENT | PF_WRITE, "write to a read-only page");
    report_equal(zero_page[address % PAGE_SIZE], 0, "the byte there");
}

TEST(no_execute)
{
    static u8 data[] = { 0xc3, 0xc3 }; // RET; not const, or it would lie with the constants

    catch_fetch((u64)data);
    expect_caught((u64)data, PF_PRESENT | PF_FETCH, "fetch from data");
}

// A user's page with a RET in it, mapped by hand. Returns its address.
static u64 map_user_page(unsigned rights)
{
    u64 address = USER_BASE + random_page(0x10000);
    u8 *page = pages_allocate(1);

    memset(page, *(const u8 *)touch_ret, PAGE_SIZE);
    paging_map(kernel_tables, address, direct_map_physical(page),
               demand_flags(rights | ACCESS_READ | ACCESS_USER));
    return address;
}

static void unmap_user_page(u64 address)
{
    pages_free(page_at(address), 1);
    paging_unmap(kernel_tables, address);
}

TEST(smep)
{
    u64 page = map_user_page(ACCESS_EXECUTE);

    report_equal(read_cr4() & CR4_SMEP, features.smep ? CR4_SMEP : 0, "CR4.SMEP");
    if (!features.smep) {
        skip("this CPU has no SMEP");
    } else {
        catch_fetch(page);
        expect_caught(page, PF_PRESENT | PF_FETCH, "kernel's fetch from a user's page");
    }
    unmap_user_page(page);
}

static u64 breakpoint_rflags;

static void note_rflags(struct pt_regs *regs, u64 code, unsigned vector)
{
    (void)regs;
    (void)code;
    (void)vector;
    breakpoint_rflags = read_rflags();
}

static void expect_window_closed_in_handlers(void)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, note_rflags);
    u64 rflags[2] = { 0 };

    touch_in_window(rflags);
    trap_set_handler(VECTOR_BP, before);
    report_equal(rflags[0] & RFLAGS_AC, RFLAGS_AC, "AC in the window");
    report_equal(breakpoint_rflags & RFLAGS_AC, 0, "AC in a handler that interrupted the window");
    report_equal(rflags[1] & RFLAGS_AC, RFLAGS_AC, "AC in the window again");
    report_equal(read_rflags() & RFLAGS_AC, 0, "AC behind the window");
}

TEST(smap)
{
    u64 page = map_user_page(ACCESS_WRITE);

    report_equal(read_cr4() & CR4_SMAP, features.smap ? CR4_SMAP : 0, "CR4.SMAP");
    if (!features.smap) {
        skip("this CPU has no SMAP");
    } else {
        catch_read(page + 8);
        expect_caught(page + 8, PF_PRESENT, "kernel's read of a user's page");
        catch_write(page + 9);
        expect_caught(page + 9, PF_PRESENT | PF_WRITE, "kernel's write to a user's page");
        begin(catch_fault);
        user_access_begin();
        touch_write(page, 0);
        user_access_end();
        end();
        report_count(seen.count, 0, "page faults in the window");
        expect_window_closed_in_handlers();
    }
    unmap_user_page(page);
}

// ---- hole 4.2: pages on demand --------------------------------------------------------------------

// The page holds `value` at its byte `offset` and zeroes elsewhere.
static void expect_zeroes_but(u64 address, u8 value)
{
    const u8 *page = (const u8 *)page_at(address);
    size_t first = PAGE_SIZE;
    unsigned wrong = 0;

    for (size_t i = PAGE_SIZE; i-- > 0;)
        if (page[i] != (i == address % PAGE_SIZE ? value : 0)) {
            first = i;
            wrong++;
        }
    report_count(wrong, 0,
                 "bytes of the new page that are not as they must be, the first at offset %zu",
                 first);
}

static bool expect_own_page(u64 address)
{
    u64 entry = entry_at(address);

    report(entry, "a page is mapped at 0x%lx", address & -PAGE_SIZE);
    if (entry)
        report((entry & PTE_ADDRESS) != image_physical(zero_page),
               "the page at 0x%lx is one of its own, not the zero page", address & -PAGE_SIZE);
    return entry && (entry & PTE_ADDRESS) != image_physical(zero_page);
}

enum { DEMAND_PAGES = 64, TOUCHED = 12 };

// What the test writes, and where. It stays there for the grader's probe, which looks from outside.
struct witness {
    u64 address, value;
};
extern struct witness demand_witness[TOUCHED];
struct witness demand_witness[TOUCHED];

// By hand, before a real fault: a page that is not there then, or cannot be written, would lead on to the
// exception table. A page that is not mapped leads to the same fault again, which write_mended sees.
static bool demand_page_right(const struct region *region)
{
    const u64 flags = PTE_PRESENT | PTE_GLOBAL | PTE_WRITABLE | PTE_NO_EXECUTE;
    u64 page = region->start + PAGE_SIZE, entry, physical;
    int error;

    add(region);
    begin(report_fault);
    error = demand_page(&kernel_space, region, page);
    end();
    report_error(error, 0, "demand_page");
    entry = entry_at(page);
    physical = entry & PTE_ADDRESS;
    if (physical >= DEVICES_BASE - DIRECT_MAP_BASE) {
        report(false, "0x%lx, in the entry, is a physical address", physical);
        return false; // forget() would look there
    }
    if (entry)
        report_bits(entry & ~PTE_ADDRESS, flags, "rw-, kernel: bits of the entry");
    forget(region);
    return !error && (!entry || (entry & ~PTE_ADDRESS) == flags);
}

TEST(demand_zero)
{
    struct region region = make_region(DEMAND_PAGES, READ_WRITE);
    unsigned mapped = 0, touched = 0;

    if (!demand_page_right(&region))
        return;
    region.start += WITNESS_OFFSET;
    region.end += WITNESS_OFFSET;
    give_back(take_all_pages());
    add(&region);
    for (int i = 0; i < TOUCHED; i++) {
        u64 address = region.start + test_random() % (DEMAND_PAGES * PAGE_SIZE);
        u8 value = (u8)(test_random() | 1);

        if (entry_at(address))
            continue;
        demand_witness[touched++] = (struct witness){ address, value };
        if (!write_mended(address, value) || !expect_own_page(address))
            break;
        expect_zeroes_but(address, value);
    }
    for (u64 page = region.start; page < region.end; page += PAGE_SIZE)
        mapped += entry_at(page) != 0;
    report_count(mapped, touched, "pages that are mapped, of those touched");
}

static void expect_flags(unsigned rights, u64 flags, const char *what)
{
    struct region region = make_region(1, rights);
    size_t available;

    add(&region);
    available = pages_available();
    report_error(demand_page(&kernel_space, &region, region.start), 0, "%s: demand_page", what);
    report(pages_available() < available, "%s: a page of its own", what);
    report_bits(entry_at(region.start) & ~PTE_ADDRESS, flags, "%s: bits of the entry", what);
    forget(&region);
}

// Page tables of their own, which the CPU does not use now.
static void expect_other_space(void)
{
    struct region region = make_region(1, USER_READ_WRITE);
    struct address_space other = { .tables = pages_allocate(1) };

    page_clear(other.tables);
    report_error(demand_page(&other, &region, region.start), 0, "in another address space");
    report(paging_entry(other.tables, region.start), "the page is mapped in its tables");
    report(!entry_at(region.start), "and not in the kernel's");
}

TEST(rights)
{
    const u64 kernel = PTE_PRESENT | PTE_GLOBAL, user = PTE_PRESENT | PTE_USER;

    expect_flags(ACCESS_READ, kernel | PTE_NO_EXECUTE, "r--, kernel");
    expect_flags(READ_WRITE, kernel | PTE_NO_EXECUTE | PTE_WRITABLE, "rw-, kernel");
    expect_flags(ACCESS_READ | ACCESS_EXECUTE, kernel, "r-x, kernel");
    expect_flags(ACCESS_READ | ACCESS_USER, user | PTE_NO_EXECUTE, "r--, user");
    expect_flags(USER_READ_WRITE, user | PTE_NO_EXECUTE | PTE_WRITABLE, "rw-, user");
    expect_flags(ACCESS_READ | ACCESS_EXECUTE | ACCESS_USER, user, "r-x, user");
    expect_other_space();
}

static void expect_zero_page(u64 address)
{
    report_equal(entry_at(address) & PTE_ADDRESS, image_physical(zero_page),
                 "physical page at 0x%lx, read only so far: the zero page", address);
    report_equal(entry_at(address) & PTE_WRITABLE, 0, "the zero page is writable");
}

// Given code but for the page that a write makes.
TEST(copy_on_write)
{
    struct region region = make_region(3, READ_WRITE);
    u64 first = region.start, second = first + PAGE_SIZE, third = second + PAGE_SIZE;
    size_t available;

    add(&region);
    read_mended(first);
    available = pages_available();
    read_mended(second);
    report_equal(pages_available(), available, "pages left after reading");
    expect_zero_page(first);
    expect_zero_page(second);
    if (write_mended(first + 8, 0x5a) && expect_own_page(first)) {
        expect_zeroes_but(first + 8, 0x5a);
        report_equal(pages_available(), available - 1, "pages left after writing");
        report_equal(entry_at(first) & PTE_WRITABLE, PTE_WRITABLE, "the copy is writable");
    }
    expect_zero_page(second);
    if (write_mended(third, 1))
        report_equal(zero_page[0] | zero_page[8], 0, "what the zero page holds");
    forget(&region);
    report_equal(entry_at(first) | entry_at(second) | entry_at(third), 0, "entries afterwards");
}

// Given code: where a stack may grow to, and where not. Then a page below it is touched.
TEST(stack_growth)
{
    struct region below = make_region(4, READ_WRITE), stack = below;

    stack.start = below.start + 60 * PAGE_SIZE;
    stack.end = stack.start + 4 * PAGE_SIZE;
    stack.lowest = below.start;
    add(&below);
    add(&stack);
    write_mended(stack.start - 8, 1);
    write_mended(stack.start - 20 * PAGE_SIZE, 1);
    report(region_at(&kernel_space, stack.start - 20 * PAGE_SIZE), "the stack has grown");
    report(!region_at(&kernel_space, stack.start - 21 * PAGE_SIZE), "and no further");
    report_error(demand_fault(&kernel_space, below.end, ACCESS_WRITE, false), -EFAULT,
                 "the page between a stack and its neighbour");
    write_mended(below.end + PAGE_SIZE, 1);
    stack.start = below.start;
    forget(&stack);
}

static u64 inner_address;

// Fills a page while a page fault is mended, and takes another one on the way.
static int fill_with_a_fault(const struct region *region, u64 address, void *memory)
{
    (void)region;
    report(!entry_at(address), "the page at 0x%lx is not mapped before it is filled", address);
    touch_write(inner_address, 0x77);
    *(u64 *)memory = address;
    return 0;
}

TEST(nested)
{
    struct region inner = make_region(16, READ_WRITE), outer;
    u64 address;

    outer = inner;
    outer.start += 0x10000000;
    outer.end += 0x10000000;
    outer.fill = fill_with_a_fault;
    add(&inner);
    add(&outer);
    inner_address = inner.start + random_page(16) + 0x123;
    address = outer.start + random_page(16) + 0x456;
    begin(watch_fault);
    touch_write(address, 0x99);
    end();
    report_count(seen.count, 2, "page faults, one inside the other");
    if (expect_own_page(inner_address))
        report_equal(((u8 *)page_at(inner_address))[0x123], 0x77, "what the inner one wrote");
    if (expect_own_page(address)) {
        report_equal(((u8 *)page_at(address))[0x456], 0x99, "what the outer one wrote");
        report_equal(*page_at(address), address & -PAGE_SIZE, "what filled the outer page");
    }
    forget(&inner);
    forget(&outer);
}

static int refuse(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    (void)memory;
    return -EIO;
}

// What cannot be done leaves nothing behind.
TEST(no_memory)
{
    struct region region = make_region(1, READ_WRITE), refused = region;
    size_t available;
    u64 *list, *last;

    region.start += 0x1000000000; // far from all others: no table is there yet
    region.end += 0x1000000000;
    refused.fill = refuse;
    available = pages_available();
    begin(report_fault);
    report_error(demand_page(&kernel_space, &refused, refused.start), -EIO,
                 "demand_page of a region whose fill gives -EIO");
    report_equal(entry_at(refused.start), 0, "its entry");
    report_equal(pages_available(), available, "pages left then");

    list = take_all_pages();
    report_error(demand_page(&kernel_space, &region, region.start), -ENOMEM,
                 "demand_page without a page");
    last = list;
    list = (u64 *)list[0];
    pages_free(last, 1);
    report_error(demand_page(&kernel_space, &region, region.start), -ENOMEM,
                 "demand_page with a page, but none for the tables");
    end();
    report_count(pages_available(), 1, "pages left then");
    give_back(list);
}

// Given code: regions_protect. A write that was allowed before must fault at once.
TEST(less_rights)
{
    struct region region = make_region(4, READ_WRITE);
    u64 address = region.start + PAGE_SIZE;

    add(&region);
    write_mended(address, 1);
    report_error(regions_protect(&kernel_space, address, address + PAGE_SIZE, ACCESS_READ), 0,
                 "regions_protect");
    catch_write(address);
    report_count(seen.count, 1, "page faults for a write to a page that is read-only now");
    report_error(demand_fault(&kernel_space, address, ACCESS_WRITE, true), -EFAULT, "its verdict");
    report_error(regions_protect(&kernel_space, address, address + PAGE_SIZE, READ_WRITE), 0,
                 "regions_protect");
    catch_write(address);
    report_count(seen.count, 0, "page faults for a write to a page that is writable again");
    forget(&region);
}

// ---- holes 4.3 and 4.4: the exception table -------------------------------------------------------

static void expect_found(const struct exception_row *rows, size_t count)
{
    unsigned lost = 0, invented = 0, outside = 0;

    for (size_t i = 0; i < count; i++) {
        u64 at = rows[i].instruction;

        lost += exception_table_find(rows, count, at) != &rows[i];
        invented += exception_table_find(rows, count, at - 1) != NULL;
        invented += exception_table_find(rows, count, at + 1) != NULL;
        outside += exception_table_find(rows, i, at) != NULL;
        outside += exception_table_find(&rows[i + 1], count - i - 1, at) != NULL;
    }
    invented += exception_table_find(rows, count, 0) != NULL;
    invented += exception_table_find(rows, count, ~0ul) != NULL;
    report_count(lost, 0, "rows not found, of a table of %zu", count);
    report_count(invented, 0, "rows found for instructions that have none, of a table of %zu",
                 count);
    report_count(outside, 0, "rows found that lie beside those given, of a table of %zu", count);
}

// Instructions that lie wide apart, in both halves of the address space.
static void make_rows(struct exception_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct exception_row){ test_pattern() & ~7ul, test_pattern() };
    exception_table_sort(rows, count);
}

// How long it takes to find the last row but one, in the guest's time.
static u64 search_time(const struct exception_row *rows, size_t count)
{
    u64 start, sought = rows[count - 2].instruction;

    exception_table_find(rows, count, sought);
    start = read_tsc();
    exception_table_find(rows, count, sought);
    return read_tsc() - start;
}

TEST(search)
{
    enum { PAGES = 16, ROWS = PAGES * PAGE_SIZE / sizeof(struct exception_row) };
    enum { FEW_ROWS = 8, MOST_TIMES = 32 };
    static const size_t sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 100 };
    struct exception_row *rows = pages_allocate(PAGES);
    u64 times;

    memset(rows, 0x5a, PAGES * PAGE_SIZE); // and not what somebody has left there
    begin(report_fault);
    for (size_t i = 0; i < array_length(sizes); i++) {
        make_rows(rows, sizes[i]);
        expect_found(rows, sizes[i]);
    }
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (struct exception_row){ 64 * (i + 1), 0 };
    times = search_time(rows, ROWS) / search_time(rows, FEW_ROWS);
    end();
    report(times < MOST_TIMES,
           "%zu rows are searched in less than %u times as long as %u (it took %lu)", (size_t)ROWS,
           MOST_TIMES, FEW_ROWS, times);
    pages_free(rows, PAGES);
}

static void fill_regs(struct pt_regs *regs)
{
    u64 *slot = &regs->r15;

    for (size_t i = 0; i < sizeof(*regs) / sizeof(u64); i++)
        slot[i] = test_pattern();
}

// exception_table_fixup for `rip`, which is or is not that of `row`. Says what is wrong if `aloud`.
static bool fixup_right(u64 rip, const struct exception_row *row, bool aloud)
{
    struct pt_regs before, regs;
    u64 expected = row ? row->fixup : rip;
    bool found, changed;

    fill_regs(&before);
    before.rip = rip;
    regs = before;
    found = exception_table_fixup(&regs);
    before.rip = regs.rip;
    changed = memcmp(&regs, &before, sizeof(regs));
    if (aloud) {
        report_equal(found, row != NULL,
                     "what exception_table_fixup says, having %s rip, for the instruction at 0x%lx",
                     regs.rip == rip ? "kept" : "changed", rip);
        report_place(regs.rip, expected, "rip then");
        report_count(changed, 0, "other registers that it changed");
    }
    return found == (row != NULL) && regs.rip == expected && !changed;
}

static bool table_right(void)
{
    const struct exception_row *rows = exception_table_start;
    size_t count = exception_table_count();
    unsigned wrong = 0, wrong_beside = 0, unsorted = 0;

    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;

        wrong += !fixup_right(rows[i].instruction, &rows[i], !wrong);
        if (last || rows[i + 1].instruction != rows[i].instruction + 1)
            wrong_beside += !fixup_right(rows[i].instruction + 1, NULL, false);
        unsorted += !last && rows[i].instruction >= rows[i + 1].instruction;
    }
    wrong_beside += !fixup_right((u64)touch_both - 1, NULL, false);
    report_count(unsorted, 0, "rows of the kernel's table that are not in order");
    report_count(wrong, 0,
                 "rows of the kernel's table whose instruction is not fixed up as they say");
    report_count(wrong_beside, 0, "instructions beside one of the table that were fixed up, too");
    return !wrong && !wrong_beside;
}

TEST(fixup)
{
    u64 value = test_pattern();
    bool right;

    report_equal(entry_at((u64)exception_table_start) & PTE_WRITABLE, 0, "the table is writable");
    begin(report_fault);
    right = table_right();
    end();
    if (!right)
        return; // what follows would fault for ever
    report_equal(touch_both(&value, &value), value, "a read that may fault, and does not");
    report_equal(touch_both((const u64 *)ABSENT, &value), -1, "a read that may fault, and does");
}

// PKRS has 32 bits. Where the CPU has no PKRS at all, writing it is #GP, too.
TEST(safe_msr)
{
    enum { MSR_PKRS = 0x6e1 };
    u64 value = 0x5eed;

    report_error(msr_read_safe(MSR_EFER, &value), 0, "reading EFER");
    report_equal(value, msr_read(MSR_EFER), "EFER");
    report_error(msr_write_safe(MSR_EFER, value), 0, "writing it");
    report_error(msr_write_safe(MSR_PKRS, 1ul << 32), -EIO, "writing reserved bits of PKRS");
}

TEST(absent_msr)
{
    enum { NO_MSR = 0x4711 };
    u64 value = 0x5eed;

    report_error(msr_read_safe(NO_MSR, &value), -EIO, "reading an MSR that does not exist");
    report_equal(value, 0, "what was read then");
    report_error(msr_write_safe(NO_MSR, 1), -EIO, "writing it");
    value = msr_read(MSR_EFER);
    report_error(msr_write_safe(MSR_EFER, ~0ul), -EIO, "writing reserved bits of EFER");
    report_equal(msr_read(MSR_EFER), value, "EFER afterwards");
}

static void expect_unreadable(u64 address, const char *what)
{
    u64 value = 0x5eed;

    report_error(read_safe(address, &value), -EFAULT, "read_safe of 0x%lx, %s", address, what);
    report_equal(value, 0, "what was read then");
}

TEST(safe_read)
{
    struct region region = make_region(1, READ_WRITE);
    u64 words[2] = { test_pattern(), test_pattern() }, value;
    u64 unaligned = words[0] >> 24 | words[1] << 40;

    report_error(read_safe((u64)words, &value), 0, "read_safe of a variable");
    report_equal(value, words[0], "the variable");
    report_error(read_safe((u64)words + 3, &value), 0, "read_safe of no multiple of 8");
    report_equal(value, unaligned, "what is there");
    expect_unreadable(ABSENT, "not mapped");
    expect_unreadable(test_random() & (USER_END - 1), "not mapped");
    expect_unreadable(USER_END + (test_random() & 0xffffffff), "not canonical");
    add(&region);
    expect_unreadable(region.start, "in a region, and not touched yet");
    report_equal(entry_at(region.start), 0, "its entry: read_safe only looks");
    touch_read(region.start);
    report_error(read_safe(region.end - 8, &value), 0, "read_safe of a region's last bytes");
    expect_unreadable(region.end - 4, "half of it outside its region");
    forget(&region);
}

// Ends in a panic: the second read of touch_both is not in the table.
TEST(beside_the_table)
{
    u64 value = 1;

    touch_both(&value, (const u64 *)ABSENT);
}

// Ends in a panic.
TEST(bug_report)
{
    touch_write((u64)zero_page, 1);
}

// Ends in a panic: no plain pointer of the kernel's leads to a user's page, not even to one that a region
// promises.
TEST(stray_pointer)
{
    struct region region = make_region(4, USER_READ_WRITE);

    add(&region);
    touch_write(region.start + PAGE_SIZE, 1);
}

// ---- holes 4.5 and 4.6: a user's memory -----------------------------------------------------------

TEST(user_addresses)
{
    static const struct {
        u64 address;
        size_t size;
        bool good;
    } ranges[] = {
        { 0, 0, true },
        { 0, 1, true },
        { USER_BASE, PAGE_SIZE, true },
        { USER_END - 1, 1, true },
        { USER_END - 8, 8, true },
        { 0, USER_END, true },
        { USER_END - 8, 9, false },
        { USER_END - 1, 2, false },
        { USER_END, 1, false },
        { 0, USER_END + 1, false },
        { 1, USER_END, false },
        { DIRECT_MAP_BASE, 8, false },
        { KERNEL_BASE, 1, false },
        { -8ul, 8, false },
        { -8ul, 16, false }, // wraps around to 8
        { 8, -8ul, false },
        { USER_BASE, -1ul, false },
        { KERNEL_BASE, -KERNEL_BASE + USER_BASE, false },
    };
    u64 kernel = test_pattern(), copy = kernel;
    unsigned wrong = 0;

    for (size_t i = 0; i < array_length(ranges); i++) {
        bool good = user_range(ranges[i].address, ranges[i].size);

        report_equal(good, ranges[i].good, "user_range(0x%lx, 0x%lx)", ranges[i].address,
                     ranges[i].size);
        wrong += good != ranges[i].good;
    }
    if (wrong)
        return; // what follows would copy
    report_count(copy_to_user((u64)&kernel, "overwritten", 8), 8,
                 "bytes that copy_to_user did not copy to an address of the kernel's");
    report_equal(kernel, copy, "what is there");
    report_count(copy_from_user(&copy, (u64)&kernel, 8), 8,
                 "bytes that copy_from_user did not copy from an address of the kernel's");
    report_equal(copy, 0, "what it left in its buffer");
}

enum { BUFFER = 3 * PAGE_SIZE + 100 };
static u8 ours[BUFFER], theirs[BUFFER], pattern[BUFFER];

// Never 0. `pattern` is not given to anyone.
static void fill_ours(void)
{
    for (size_t i = 0; i < BUFFER; i++)
        ours[i] = pattern[i] = (u8)(test_random() | 1);
}

// The first `size` bytes have gone to the user and come back.
static void expect_copied(size_t size, const char *what)
{
    size_t wrong = 0;

    for (size_t i = 0; i < size; i++)
        wrong += theirs[i] != pattern[i];
    report_count(wrong, 0, "%s %zu bytes: bytes that differ", what, size);
}

TEST(copies)
{
    static const size_t sizes[] = { 0, 1, 8, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, BUFFER };
    struct region region = make_region(8, USER_READ_WRITE);

    add(&region);
    fill_ours();
    for (size_t i = 0; i < array_length(sizes); i++) {
        size_t size = sizes[i];
        u64 address = region.start + test_random() % (4 * PAGE_SIZE);
        u8 before = 0, behind = 0;

        report_count(copy_to_user(address, ours, size), 0, "bytes left of %zu to the user", size);
        if (size)
            report_equal(*((u8 *)page_at(address) + address % PAGE_SIZE), pattern[0],
                         "first byte of %zu that arrived at the user's", size);
        memset(theirs, 0, size);
        report_count(copy_from_user(theirs, address, size), 0, "bytes left of %zu from the user",
                     size);
        expect_copied(size, "there and back,");
        copy_from_user(&before, address - 1, 1);
        copy_from_user(&behind, address + size, 1);
        clear_user(region.start, 8 * PAGE_SIZE);
        report_equal(behind, 0, "the byte behind %zu bytes", size);
        if (address > region.start)
            report_equal(before, 0, "the byte before %zu bytes", size);
    }
    forget(&region);
}

// Copies `size` bytes of which the region has only the first `there`.
static void expect_left(u64 end, size_t size, size_t there)
{
    size_t zeroed = 0;

    report_count(copy_to_user(end - there, ours, size), size - there,
                 "bytes left of %zu to the user, where %zu are there", size, there);
    memset(theirs, 0xff, size);
    report_count(copy_from_user(theirs, end - there, size), size - there,
                 "bytes left of %zu from the user, where %zu are there", size, there);
    expect_copied(there, "to the user and back, the part that is there of");
    for (size_t i = there; i < size; i++)
        zeroed += theirs[i] == 0;
    report_count(zeroed, size - there, "bytes zeroed behind what copy_from_user copied");
    report_count(clear_user(end - there, size), size - there,
                 "bytes left of %zu to clear, where %zu are there", size, there);
}

// More bytes than 32 bits can count, and the first is not there.
static void expect_all_left(void)
{
    const size_t size = (1ul << 32) + 9;

    report_equal(copy_to_user(USER_END - 2 * size, ours, size), size,
                 "bytes left of 0x%lx to where no region is", size);
}

TEST(bytes_left)
{
    struct region region = make_region(2, USER_READ_WRITE), constant = region;

    constant.start = region.end + PAGE_SIZE;
    constant.end = constant.start + PAGE_SIZE;
    constant.rights = ACCESS_READ | ACCESS_USER;
    add(&region);
    add(&constant);
    fill_ours();
    expect_left(region.end, 100, 0);
    expect_left(region.end, 100, 1);
    expect_left(region.end, 100, 99);
    expect_left(region.end, PAGE_SIZE + 50, PAGE_SIZE + 7);
    expect_left(region.end, BUFFER, 2 * PAGE_SIZE);
    for (int i = 0; i < ENOUGH; i++) {
        size_t size = 1 + test_random() % (BUFFER - 1);
        size_t there = test_random() % (size < 2 * PAGE_SIZE ? size : 2 * PAGE_SIZE);

        expect_left(region.end, size, there);
    }
    report_count(copy_to_user(constant.start + 5, ours, 9), 9,
                 "bytes left of 9 to a read-only region of the user's");
    report_count(copy_from_user(theirs, constant.start + 5, 9), 0, "bytes left of 9 from there");
    report_count(copy_from_user(theirs, USER_END - PAGE_SIZE, 9), 9,
                 "bytes left of 9 from where no region is");
    expect_all_left();
    forget(&region);
    forget(&constant);
}

static u64 copy_watched(u64 address, size_t size)
{
    u64 rflags;

    begin(watch_copy);
    copy_to_user(address, ours, size);
    rflags = read_rflags();
    end();
    return rflags & RFLAGS_AC;
}

TEST(window)
{
    struct region region = make_region(1, USER_READ_WRITE);

    if (!features.smap) {
        skip("this CPU has no SMAP");
        return;
    }
    add(&region);
    report_equal(copy_watched(region.start, 8), 0, "AC behind a copy");
    report_equal(seen.rflags & RFLAGS_AC, RFLAGS_AC, "AC in the copy");
    report_equal(seen.handler_rflags & RFLAGS_AC, 0, "AC in the handler of its page fault");
    report_equal(copy_watched(region.end - 4, 8), 0, "AC behind a copy that was broken off");
    report_equal(copy_watched(region.start, 0), 0, "AC behind a copy of nothing");
    user_access_end();
    forget(&region);

    // As on a CPU without SMAP, where STAC and CLAC are #UD.
    add(&region);
    features.smap = false;
    write_cr4(read_cr4() & ~CR4_SMAP);
    copy_watched(region.start, 8);
    write_cr4(read_cr4() | CR4_SMAP);
    features.smap = true;
    report_equal(seen.rflags & RFLAGS_AC, 0, "AC in the copy, where there is no SMAP");
    forget(&region);
}

TEST(strings)
{
    struct region region = make_region(2, USER_READ_WRITE);
    u64 value = test_pattern(), back = 0;
    char text[16] = { 0 };
    u32 half = 0;

    add(&region);
    report_equal(copy_to_user(region.end - 6, "hello", 6), 0, "bytes left of a string");
    report_equal(strncpy_from_user(text, region.end - 6, sizeof(text)), 5, "its length");
    report(!strcmp(text, "hello"), "the string is \"%s\"", text);
    report_equal(strncpy_from_user(text, region.end - 6, 3), 3, "its length, of 3 at most");
    copy_to_user(region.end - 6, "hello!", 6);
    report_error(strncpy_from_user(text, region.end - 6, sizeof(text)), -EFAULT,
                 "a string without an end");
    report_error(strncpy_from_user(text, (u64) "kernel", sizeof(text)), -EFAULT,
                 "a kernel's string");
    report_error(user_put64(region.start + 4, value), 0, "user_put64");
    report_error(user_get64(region.start + 4, &back), 0, "user_get64");
    report_equal(back, value, "what it read");
    report_error(user_get32(region.start + 8, &half), 0, "user_get32");
    report_equal(half, value >> 32, "what it read");
    report_error(user_put32(region.end - 2, 1), -EFAULT, "user_put32 across the end");
    report_error(user_get64(region.end - 2, &back), -EFAULT, "user_get64 across the end");
    report_equal(back, 0, "what it read");
    forget(&region);
}
