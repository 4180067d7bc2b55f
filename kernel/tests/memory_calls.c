// The kernel's own tests: the calls that order a program's memory, as the program that makes them sees it.

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/memory.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/flat.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/eaten.h>

#define AT       0x10000000000ul
#define PRIVATE  (MAP_PRIVATE | MAP_ANONYMOUS)
#define FIXED    (PRIVATE | MAP_FIXED)
#define RW       (PROT_READ | PROT_WRITE)
#define RX       (PROT_READ | PROT_EXEC)
#define GIB      (1ul << 30)
#define TOO_MUCH (-PAGE_SIZE + 1) // rounded up it is 0

// A process that makes calls, though it has no program. Its addresses are the current ones.
static struct task *begin(void)
{
    struct task *task = process_new("memory");

    if (!task)
        return NULL;
    interrupts_disable();
    task_load(task);
    interrupts_enable();
    return task;
}

static void end(struct task *task)
{
    interrupts_disable();
    task_unload(task);
    interrupts_enable();
    process_free(task);
}

static long map(u64 address, size_t length, int protection, int flags)
{
    return sys_mmap(address, length, protection, flags, -1, 0);
}

// What is at `address`, which must be readable.
static u64 at(u64 address)
{
    u64 value;

    report_error(user_get64(address, &value), 0, "a read at 0x%lx", address);
    return value;
}

static void put(u64 address, u64 value)
{
    report_error(user_put64(address, value), 0, "a write at 0x%lx", address);
}

static void expect_no_write(u64 address)
{
    report_error(user_put64(address, 1), -EFAULT, "a write at 0x%lx", address);
}

static void expect_nothing(u64 address)
{
    u64 value;

    report_error(user_get64(address, &value), -EFAULT, "a read at 0x%lx", address);
}

TEST(mmap)
{
    struct task *task = begin();
    u64 top = MEMORY_END;
    long first, second;

    if (!task)
        return;
    first = map(0, 3 * PAGE_SIZE - 1, RW, PRIVATE);
    report_equal(first, top - 3 * PAGE_SIZE, "the first one: at the top, and in whole pages");
    report_equal(at((u64)first), 0, "what it holds");
    put(top - 8, 5);
    expect_nothing(top);
    second = map(0, PAGE_SIZE, PROT_READ, PRIVATE);
    report_equal(second, first - (long)PAGE_SIZE, "the second one: below");
    expect_no_write((u64)second);
    report_equal(map(AT + 1, PAGE_SIZE, RW, PRIVATE), AT + PAGE_SIZE, "a hint, rounded up");
    report_equal(map(AT + PAGE_SIZE, PAGE_SIZE, RW, PRIVATE), second - (long)PAGE_SIZE,
                 "a hint where something is");
    report_equal(map(8, PAGE_SIZE, RW, PRIVATE), second - 2 * (long)PAGE_SIZE,
                 "a hint that is too low");
    report_equal(map(0, PAGE_SIZE, RW, PRIVATE | MAP_32BIT), 0x80000000 - PAGE_SIZE,
                 "in the lowest 2 GiB");
    report_equal(map(AT, PAGE_SIZE, PROT_NONE, FIXED), AT, "without rights");
    expect_nothing(AT);
    report_equal(map(AT, PAGE_SIZE, PROT_WRITE, FIXED), AT, "over it, to write only");
    put(AT, 7);
    report_equal(at(AT), 7, "which is to read, too");
    report_equal(map(AT, PAGE_SIZE, RW, FIXED), AT, "and over that");
    report_equal(at(AT), 0, "what it holds then");
    report_error(map(AT, PAGE_SIZE, RW, PRIVATE | MAP_FIXED_NOREPLACE), -EEXIST, "not over it");
    report_equal(map(AT - PAGE_SIZE, PAGE_SIZE, RW, PRIVATE | MAP_FIXED_NOREPLACE), AT - PAGE_SIZE,
                 "beside it");
    report_equal(map(0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS), second - 3 * (long)PAGE_SIZE,
                 "shared");
    end(task);
}

TEST(mmap_refused)
{
    struct task *task = begin();

    if (!task)
        return;
    report_error(map(0, 0, RW, PRIVATE), -EINVAL, "no byte");
    report_error(map(0, TOO_MUCH, RW, PRIVATE), -ENOMEM, "a length that wraps around");
    report_error(map(0, USER_END, PROT_NONE, PRIVATE), -ENOMEM, "all addresses");
    report_error(map(0, 64 * GIB, RW, PRIVATE), -ENOMEM, "more than there is");
    report(map(0, 64 * GIB, RW, PRIVATE | MAP_NORESERVE) > 0, "the same, without a promise");
    report(map(0, 64 * GIB, PROT_NONE, PRIVATE) > 0, "the same, for nobody to write to");
    report_error(map(0, PAGE_SIZE, RW | PROT_EXEC, PRIVATE), -EACCES, "writable and executable");
    report_error(map(0, PAGE_SIZE, RW, MAP_ANONYMOUS), -EINVAL, "neither private nor shared");
    report_error(map(0, PAGE_SIZE, RW, PRIVATE | MAP_SHARED), -EINVAL, "both");
    report_error(map(0, PAGE_SIZE, RW, PRIVATE | MAP_HUGETLB), -ENOMEM, "huge pages");
    report_error(map(AT + 8, PAGE_SIZE, RW, FIXED), -EINVAL, "fixed, not at a page");
    report_error(map(0, PAGE_SIZE, RW, FIXED), -EPERM, "fixed, at the null pointer");
    report_error(map(MEMORY_START - PAGE_SIZE, PAGE_SIZE, RW, FIXED), -EPERM, "and near it");
    report_error(map(MEMORY_END, PAGE_SIZE, RW, FIXED), -ENOMEM, "fixed, at the last page");
    report_error(map(-PAGE_SIZE, PAGE_SIZE, RW, FIXED), -ENOMEM, "fixed, in the kernel");
    report_error(map(AT, USER_END, PROT_NONE, FIXED), -ENOMEM, "fixed, and too long");
    report_error(sys_mmap(0, PAGE_SIZE, RW, PRIVATE, -1, 8), -EINVAL, "an offset inside a page");
    report_error(sys_mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, -1, 0), -EBADF, "file -1");
    report_error(sys_mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 1, 0), -ENODEV, "the console");
    report_count(task->space->count, 2, "regions: the two that were given");
    end(task);
}

// Opens a file of the test's own. It goes with the process.
static int open_node(struct task *task, const struct node *node, unsigned flags)
{
    return files_add(task->process->files, file_open(node, flags), 0, false);
}

TEST(mmap_files)
{
    enum { SIZE = 2 * PAGE_SIZE + 24 };
    static u64 content[SIZE / 8];
    const struct node node = {
        .mode = S_IFREG | 0444,
        .size = SIZE,
        .data = (const char *)content,
    };
    struct task *task = begin();
    long got;
    int fd, write_only;

    if (!task)
        return;
    for (u64 i = 0; i < array_length(content); i++)
        content[i] = ~i;
    fd = open_node(task, &node, O_RDONLY);
    write_only = open_node(task, &node, O_WRONLY);
    got = sys_mmap(AT, 4 * PAGE_SIZE, RW, MAP_PRIVATE, fd, PAGE_SIZE);
    report_equal(got, AT, "from the second page on");
    report_equal(at(AT), content[PAGE_SIZE / 8], "its first word");
    report_equal(at(AT + PAGE_SIZE + 16), content[array_length(content) - 1], "the last one");
    report_equal(at(AT + PAGE_SIZE + 24), 0, "behind the file's end");
    expect_nothing(AT + 2 * PAGE_SIZE);
    put(AT, 1);
    report_equal(content[PAGE_SIZE / 8], ~(PAGE_SIZE / 8), "the file, after a write to its page");
    report_error(files_close(task->process->files, fd), 0, "closing it");
    report_equal(at(AT + PAGE_SIZE), content[2 * PAGE_SIZE / 8], "what is mapped stays");

    fd = open_node(task, &node, O_RDONLY);
    got = sys_mmap(AT, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    report_equal(got, AT, "shared, to read");
    report_equal(at(AT), content[0], "its first word");
    report_error(sys_mprotect(AT, PAGE_SIZE, RW), -EACCES, "to write by mprotect");
    report_error(sys_mmap(AT, PAGE_SIZE, RW, MAP_SHARED, fd, 0), -EACCES, "shared, to write");
    report_error(sys_mmap(AT, PAGE_SIZE, PROT_READ, MAP_PRIVATE, write_only, 0), -EACCES,
                 "a file that is open for writing only");
    report_error(sys_mmap(AT, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, -PAGE_SIZE), -EOVERFLOW,
                 "an offset that wraps around");
    report_error(sys_mmap(AT, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, -(2 * PAGE_SIZE)), -EOVERFLOW,
                 "one that would, if it grew");
    report_error(sys_mmap(AT, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, INT64_MAX & -PAGE_SIZE),
                 -EOVERFLOW, "one that ends behind the end of any file");
    end(task);
}

TEST(munmap)
{
    struct task *task = begin();
    size_t available;

    if (!task)
        return;
    map(AT, 6 * PAGE_SIZE, RW, FIXED);
    for (u64 i = 0; i < 6; i++)
        put(AT + i * PAGE_SIZE, i);
    available = pages_available();
    report_error(sys_munmap(AT + 2 * PAGE_SIZE, PAGE_SIZE + 1), 0, "two pages in the middle");
    report_count(pages_available(), available + 2, "pages left");
    expect_nothing(AT + 2 * PAGE_SIZE);
    report_equal(at(AT + 4 * PAGE_SIZE), 4, "what is behind");
    report_error(sys_munmap(AT, 6 * PAGE_SIZE), 0, "all, with a gap in it");
    report_error(sys_munmap(AT, PAGE_SIZE), 0, "nothing");
    report_error(sys_munmap(AT, 0), -EINVAL, "no byte");
    report_error(sys_munmap(AT + 1, PAGE_SIZE), -EINVAL, "not at a page");
    report_error(sys_munmap(AT, TOO_MUCH), -EINVAL, "a length that wraps around");
    report_error(sys_munmap(-PAGE_SIZE, PAGE_SIZE), -EINVAL, "the kernel's");
    end(task);
}

TEST(mprotect)
{
    struct task *task = begin();

    if (!task)
        return;
    map(AT, 4 * PAGE_SIZE, RW, FIXED);
    put(AT, 1);
    put(AT + PAGE_SIZE, 2);
    report_error(sys_mprotect(AT + PAGE_SIZE, 1, PROT_READ), 0, "one page, to read");
    put(AT, 3);
    expect_no_write(AT + PAGE_SIZE);
    report_equal(at(AT + PAGE_SIZE), 2, "what it holds");
    report_error(sys_mprotect(AT, 4 * PAGE_SIZE, PROT_NONE), 0, "all, for nobody");
    expect_nothing(AT);
    expect_nothing(AT + 2 * PAGE_SIZE);
    report_error(sys_mprotect(AT, 4 * PAGE_SIZE, RX), 0, "all, to execute");
    report_equal(at(AT), 3, "what the first one holds");
    expect_no_write(AT);
    report_error(sys_mprotect(AT, PAGE_SIZE, RW | PROT_EXEC), -EACCES, "writable and executable");
    report_error(sys_mprotect(AT, 5 * PAGE_SIZE, RW), -ENOMEM, "more than is there");
    expect_no_write(AT);
    report_error(sys_mprotect(AT, 0, RW), 0, "no byte");
    report_error(sys_mprotect(AT + 1, 1, RW), -EINVAL, "not at a page");
    report_error(sys_mprotect(AT, PAGE_SIZE, 0x1000000), -EINVAL, "rights that nobody knows");
    report_error(sys_mprotect(AT, TOO_MUCH, RW), -ENOMEM, "a length that wraps around");
    report_error(sys_mprotect(-PAGE_SIZE, PAGE_SIZE, RW), -ENOMEM, "the kernel's");
    end(task);
}

TEST(madvise)
{
    enum { WILLNEED = 3, DONTFORK = 10, NOBODYS = 77 };
    struct task *task = begin();

    if (!task)
        return;
    map(AT, 3 * PAGE_SIZE, RW, FIXED);
    put(AT, 1);
    put(AT + PAGE_SIZE, 2);
    report_error(sys_madvise(AT, PAGE_SIZE, MADV_DONTNEED), 0, "one page is not needed");
    report_equal(at(AT), 0, "what it holds then");
    report_equal(at(AT + PAGE_SIZE), 2, "and the next one");
    report_error(sys_madvise(AT + PAGE_SIZE, PAGE_SIZE, WILLNEED), 0, "advice to ignore");
    report_equal(at(AT + PAGE_SIZE), 2, "what it holds then");
    report_error(sys_madvise(AT, 0, MADV_DONTNEED), 0, "no byte");
    report_error(sys_madvise(AT, 4 * PAGE_SIZE, MADV_DONTNEED), -ENOMEM, "more than is there");
    report_error(sys_madvise(AT + 1, PAGE_SIZE, MADV_DONTNEED), -EINVAL, "not at a page");
    report_error(sys_madvise(AT, TOO_MUCH, MADV_DONTNEED), -EINVAL, "a length that wraps around");
    report_error(sys_madvise(AT, PAGE_SIZE, DONTFORK), -EINVAL, "a promise");
    report_error(sys_madvise(AT, PAGE_SIZE, NOBODYS), -EINVAL, "advice that nobody knows");
    report_error(sys_madvise(AT, PAGE_SIZE, -1), -EINVAL, "advice -1");
    report_error(sys_madvise(-PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED), -EINVAL, "the kernel's");
    end(task);
}

TEST(mremap)
{
    const u64 other = AT + GIB;
    struct task *task = begin();
    long got;

    if (!task)
        return;
    map(AT, 2 * PAGE_SIZE, RW, FIXED);
    put(AT, 1);
    put(AT + PAGE_SIZE, 2);
    report_equal(sys_mremap(AT, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), AT, "as long as it is");
    report_equal(sys_mremap(AT, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), AT, "longer, in place");
    report_equal(at(AT + 2 * PAGE_SIZE), 0, "what is new");
    report_equal(sys_mremap(AT, 3 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), AT, "shorter");
    expect_nothing(AT + 2 * PAGE_SIZE);
    map(AT + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ, FIXED);
    report_error(sys_mremap(AT, 2 * PAGE_SIZE, 4 * PAGE_SIZE, 0, 0), -ENOMEM, "no room in place");
    got = sys_mremap(AT, 2 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    report_equal(got, MEMORY_END - 4 * PAGE_SIZE, "so it moves");
    report_equal(at((u64)got + PAGE_SIZE), 2, "with what it holds");
    expect_nothing(AT);
    report_equal(sys_mremap((u64)got + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE,
                            MREMAP_MAYMOVE | MREMAP_FIXED, other),
                 other, "a page of it, to where it is wanted");
    report_equal(at(other), 2, "what it holds");
    expect_nothing((u64)got + PAGE_SIZE);
    report_equal(at((u64)got), 1, "what is before");
    map(other, 4 * PAGE_SIZE, RW, FIXED);
    put(other, 9);
    report_equal(sys_mremap(other, 4 * PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                            AT + 3 * PAGE_SIZE),
                 AT + 3 * PAGE_SIZE, "over another one, and shorter");
    report_equal(at(AT + 3 * PAGE_SIZE), 9, "what it holds");
    expect_nothing(other + PAGE_SIZE);
    end(task);
}

TEST(mremap_refused)
{
    const int move_to = MREMAP_MAYMOVE | MREMAP_FIXED;
    struct task *task = begin();

    if (!task)
        return;
    map(AT, 2 * PAGE_SIZE, RW, FIXED);
    map(AT + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ, FIXED);
    report_error(sys_mremap(AT + 1, PAGE_SIZE, PAGE_SIZE, 0, 0), -EINVAL, "not at a page");
    report_error(sys_mremap(AT, 0, PAGE_SIZE, 0, 0), -EINVAL, "of no byte");
    report_error(sys_mremap(AT, PAGE_SIZE, 0, 0, 0), -EINVAL, "to no byte");
    report_error(sys_mremap(AT, PAGE_SIZE, PAGE_SIZE, 8, 0), -EINVAL, "flags that nobody knows");
    report_error(sys_mremap(AT, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, AT + GIB), -EINVAL,
                 "fixed, and not to be moved");
    report_error(sys_mremap(AT, PAGE_SIZE, PAGE_SIZE, move_to, AT + 1), -EINVAL,
                 "to no page's address");
    report_error(sys_mremap(AT, 2 * PAGE_SIZE, 2 * PAGE_SIZE, move_to, AT + PAGE_SIZE), -EINVAL,
                 "over itself");
    report_error(sys_mremap(AT, PAGE_SIZE, PAGE_SIZE, move_to, MEMORY_END), -EINVAL, "beyond all");
    report_error(sys_mremap(AT, PAGE_SIZE, PAGE_SIZE, move_to, 0), -EPERM, "to the null pointer");
    report_error(sys_mremap(AT, 3 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, 0), -EFAULT,
                 "two regions");
    report_error(sys_mremap(AT + GIB, PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT, "nothing");
    report_error(sys_mremap(AT, PAGE_SIZE, 64 * GIB, MREMAP_MAYMOVE, 0), -ENOMEM,
                 "to more than there is");
    report_error(sys_mremap(AT, PAGE_SIZE, TOO_MUCH, MREMAP_MAYMOVE, 0), -EINVAL,
                 "a length that wraps around");
    report_count(task->space->count, 2, "regions afterwards");
    end(task);
}

TEST(brk)
{
    struct task *task = begin();
    struct process *process;

    if (!task)
        return;
    process = task->process;
    report_equal(sys_brk(AT), 0, "where there is no heap");
    process->brk_start = process->brk = AT + 24;
    report_equal(sys_brk(0), AT + 24, "asked for");
    report_equal(sys_brk(AT + PAGE_SIZE + 1), AT + PAGE_SIZE + 1, "more");
    put(AT + 2 * PAGE_SIZE - 8, 5);
    expect_nothing(AT + 2 * PAGE_SIZE);
    report_equal(sys_brk(AT + 2 * PAGE_SIZE), AT + 2 * PAGE_SIZE, "more, in the same page");
    report_equal(at(AT + 2 * PAGE_SIZE - 8), 5, "what it holds");
    report_equal(sys_brk(AT + 9 * PAGE_SIZE), AT + 9 * PAGE_SIZE, "much more");
    report_count(task->space->count, 1, "regions: one that grows");
    report_equal(sys_brk(AT + 30), AT + 30, "less");
    expect_nothing(AT + PAGE_SIZE);
    report_equal(sys_brk(AT + 2 * PAGE_SIZE), AT + 2 * PAGE_SIZE, "more again");
    report_equal(at(AT + 2 * PAGE_SIZE - 8), 0, "what it holds then");
    map(AT + 4 * PAGE_SIZE, PAGE_SIZE, RW, FIXED);
    report_equal(sys_brk(AT + 5 * PAGE_SIZE), AT + 2 * PAGE_SIZE, "where something is in the way");
    report_equal(sys_brk(AT), AT + 2 * PAGE_SIZE, "below its start");
    report_equal(sys_brk(AT + 64 * GIB), AT + 2 * PAGE_SIZE, "more than there is");
    report_equal(sys_brk(-1ul), AT + 2 * PAGE_SIZE, "beyond all");
    report_equal(sys_brk(MEMORY_END + 1), AT + 2 * PAGE_SIZE, "just beyond all");
    end(task);
}

// Programs that eat all memory end, and nobody else does.
TEST(memory_eaten)
{
    static const u8 eats[] = {
        0x48, 0x89, 0x3f,                         // .again: mov [rdi], rdi
        0x48, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, //         add rdi, PAGE_SIZE
        0xeb, 0xf4,                               //         jmp .again
    };
    const struct flat flat = { (const char *)eats, (const char *)eats + sizeof(eats) };
    enum { LEFT = 2000, TABLES = 40 };
    struct eaten *eaten = memory_eat(LEFT);
    size_t available = 0;

    for (unsigned i = 0; i < 3; i++) {
        struct task *task = process_new("eats");

        report(task && flat_load(task, &flat) == 0, "program %u", i);
        if (!task)
            return;
        region_add(
            task->space,
            &(struct region){ .start = AT, .end = AT + 1024 * GIB, .rights = memory_rights(RW) });
        task_regs(task)->rdi = AT;
        task_run(task);
        report_count(task->end.vector, VECTOR_PF, "program %u ends by vector", i);
        report_error(task->end.error, -ENOMEM, "program %u: why", i);
        report(task->end.address > AT + (LEFT - TABLES) * PAGE_SIZE, "program %u had memory", i);
        process_free(task);
        if (i)
            report_count(pages_available(), available, "free pages after program %u", i);
        available = pages_available();
    }
    memory_give_back(eaten);
}
