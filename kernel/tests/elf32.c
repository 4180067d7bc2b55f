// The kernel's own tests: ELF32 files, good and bad, and what their programs find.

#include <arch/compat.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <kernel/auxv.h>
#include <kernel/compat_page.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>

// ---- a file --------------------------------------------------------------------------------------------

// From the specification, not from the loader: so it is written down twice, and one checks the other.
struct elf {
    u8 ident[16];
    u16 type, machine;
    u32 version, entry, phoff, shoff, flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
    } phdr[3];
};

enum { PT_LOAD = 1, PT_INTERP = 3, PT_NOTE = 4, R = 4, W = 2, X = 1 };
enum { TEXT, DATA, FREE }; // its program headers

#define TEXT_AT   0x8048000u
#define DATA_AT   0x804a800u
#define DATA_SIZE 0x900u
#define DATA_ALL  0x3000u
#define FILE_SIZE (2 * PAGE_SIZE + 0x800 + DATA_SIZE)

static union {
    struct elf elf;
    u8 bytes[FILE_SIZE];
} file;

#define ENTRY_OFFSET sizeof(struct elf)
#define STATUS       42

static void make_file(void)
{
    // mov eax, 1; mov ebx, STATUS; int 0x80
    static const u8 code[] = { 0xb8, 1, 0, 0, 0, 0xbb, STATUS, 0, 0, 0, 0xcd, 0x80 };

    for (size_t i = 0; i < FILE_SIZE; i++)
        file.bytes[i] = (u8)(i * 7 + i / 256);
    file.elf = (struct elf){
        .ident = { 0x7f, 'E', 'L', 'F', 1, 1, 1 },
        .type = 2,
        .machine = 3,
        .version = 1,
        .entry = TEXT_AT + ENTRY_OFFSET,
        .phoff = offsetof(struct elf, phdr),
        .ehsize = 52,
        .phentsize = 32,
        .phnum = 3,
        .phdr = {
            [TEXT] = { PT_LOAD, 0, TEXT_AT, TEXT_AT, PAGE_SIZE, PAGE_SIZE, R | X, PAGE_SIZE },
            [DATA] = { PT_LOAD, 0x2800, DATA_AT, DATA_AT, DATA_SIZE, DATA_ALL, R | W, PAGE_SIZE },
            [FREE] = { PT_NOTE, 0, 0, 0, 0, 0, R, 4 },
        },
    };
    memcpy(&file.bytes[ENTRY_OFFSET], code, sizeof(code));
}

static const char *const arguments[] = { "/test", "two", NULL };
static const char *const environment[] = { "A=1", NULL };

static struct exec exec_of(size_t size)
{
    return (struct exec){
        .path = "/test",
        .file = file.bytes,
        .size = size,
        .argv = arguments,
        .envp = environment,
    };
}

static int load(size_t size)
{
    struct task *task = process_new("test");
    struct exec exec = exec_of(size);
    int error;

    if (!task)
        return -ENOMEM;
    error = exec_load(task, &exec);
    process_free(task);
    return error;
}

// ---- a good one ----------------------------------------------------------------------------------------

static void expect_region(struct task *task, u64 address, u64 start, u64 end, unsigned rights)
{
    struct region *region = region_at(task->space, address);

    report(region, "a region at 0x%lx", address);
    if (!region)
        return;
    report_equal(region->start, start, "start of the region at 0x%lx", address);
    report_equal(region->end, end, "end of the region at 0x%lx", address);
    report_equal(region->rights, ACCESS_USER | rights, "rights of the region at 0x%lx", address);
}

// The words of its stack, and an entry of its auxiliary vector.
enum { MOST = 48, ARGC = 0, ARGV = 1, ENVP = 4, AUXV = 6 };

static u32 words[MOST];

static void expect_auxv(u32 type, u64 value)
{
    for (unsigned i = AUXV; i + 1 < MOST && words[i] != AT_NULL; i += 2) {
        if (words[i] == type) {
            report_equal(words[i + 1], value, "the entry of type %u", type);
            return;
        }
    }
    report(false, "an entry of type %u in the auxiliary vector", type);
}

static void expect_stack(struct task *task)
{
    u64 pointer = task_regs(task)->rsp;
    char text[8];

    report_equal(pointer % 16, 0, "esp, last digit");
    report(pointer < EXEC32_STACK && pointer >= EXEC32_STACK - PAGE_SIZE, "esp is near the top");
    space_switch(task->space);
    report(pointer + sizeof(words) <= EXEC32_STACK, "the stack is as long as it should be");
    report_count(copy_from_user(words, pointer, sizeof(words)), 0, "bytes of it not there");
    report_count(words[ARGC], 2, "argc");
    report_equal(strncpy_from_user(text, words[ARGV + 1], sizeof(text)), 3, "length of argv[1]");
    report(!strcmp(text, "two"), "argv[1]");
    report_equal(words[ARGV + 2], 0, "the end of argv");
    report_equal(words[ENVP + 1], 0, "the end of envp");
    space_switch(&kernel_space);
    expect_auxv(AT_SYSINFO, compat_page_entry());
    expect_auxv(AT_PHDR, TEXT_AT + offsetof(struct elf, phdr));
    expect_auxv(AT_PHENT, 32);
    expect_auxv(AT_PHNUM, 3);
    expect_auxv(AT_ENTRY, TEXT_AT + ENTRY_OFFSET);
    expect_auxv(AT_PAGESZ, PAGE_SIZE);
}

TEST(elf32_loaded)
{
    struct task *task = process_new("test");
    struct exec exec;

    make_file();
    exec = exec_of(FILE_SIZE);
    report(task, "a process");
    if (!task)
        return;
    report_error(exec_load(task, &exec), 0, "exec_load");
    report_count(task->space->count, 5, "regions: text, data, zeroes, stack, the page");
    expect_region(task, TEXT_AT, TEXT_AT, TEXT_AT + PAGE_SIZE, ACCESS_READ | ACCESS_EXECUTE);
    expect_region(task, DATA_AT, 0x804a000, 0x804c000, ACCESS_READ | ACCESS_WRITE);
    expect_region(task, 0x804c000, 0x804c000, 0x804e000, ACCESS_READ | ACCESS_WRITE);
    expect_region(task, COMPAT_PAGE, COMPAT_PAGE, COMPAT_PAGE + PAGE_SIZE,
                  ACCESS_READ | ACCESS_EXECUTE);
    expect_stack(task);
    report_equal(task_regs(task)->cs, USER32_CS, "cs");
    report_equal(task->user.ds, USER_DS, "ds");
    report_equal(task->user.es, USER_DS, "es");
    report_equal(task->process->brk_start, 0x804e000, "where brk starts");
    task_run(task);
    report(task->end.exited, "it ends by exit");
    report_equal(task->end.status, STATUS, "its status");
    process_free(task);
}

// ---- bad ones ------------------------------------------------------------------------------------------

struct bad {
    const char *what;
    size_t offset, size;
    u32 value;
    int error;
};

#define FIELD(field)         offsetof(struct elf, field), sizeof(file.elf.field)
#define HEADER(field, value) "header: " #field, FIELD(field), value
#define TEXTS(field, value)  "text: " #field, FIELD(phdr[TEXT].field), value
#define DATAS(field, value)  "data: " #field, FIELD(phdr[DATA].field), value
#define FREES(field, value)  "a third one: " #field, FIELD(phdr[FREE].field), value

static const struct bad bad[] = {
    { HEADER(ident[4], 2), ENOEXEC },
    { HEADER(ident[5], 2), ENOEXEC },
    { HEADER(type, 3), ENOEXEC },
    { HEADER(machine, 62), ENOEXEC },
    { HEADER(version, 2), ENOEXEC },
    { HEADER(flags, 1), ENOEXEC },
    { HEADER(ehsize, 64), ENOEXEC },
    { HEADER(phentsize, 56), ENOEXEC },
    { HEADER(phnum, 0), ENOEXEC },
    { HEADER(phnum, 0xffff), ENOEXEC },
    { HEADER(phoff, FILE_SIZE - 3 * 32 + 1), ENOEXEC },
    { HEADER(phoff, 0xffffffe0), ENOEXEC },
    { HEADER(phoff, 0xffffffff), ENOEXEC },
    { HEADER(entry, 0), ENOEXEC },
    { HEADER(entry, TEXT_AT - 1), ENOEXEC },
    { HEADER(entry, TEXT_AT + PAGE_SIZE), ENOEXEC },
    { HEADER(entry, COMPAT_PAGE), ENOEXEC },
    { TEXTS(flags, R | W | X), ENOEXEC },
    { TEXTS(flags, R), ENOEXEC },
    { TEXTS(type, PT_INTERP), ENOEXEC },
    { TEXTS(memsz, PAGE_SIZE - 1), ENOEXEC },
    { TEXTS(memsz, 2 * PAGE_SIZE + 1), ENOEXEC },
    { TEXTS(vaddr, 0), EINVAL },
    { TEXTS(vaddr, EXEC_LOWEST - PAGE_SIZE), EINVAL },
    { TEXTS(vaddr, 0x9000000), ENOEXEC },
    { DATAS(flags, W | X), ENOEXEC },
    { DATAS(flags, 1u << 31 | R), ENOEXEC },
    { DATAS(offset, 0x27ff), EINVAL },
    { DATAS(offset, 0x3800), ENOEXEC },
    { DATAS(offset, 0xfffff800), ENOEXEC },
    { DATAS(vaddr, DATA_AT + 1), EINVAL },
    { DATAS(vaddr, TEXT_AT + 0x800), ENOEXEC },
    { DATAS(vaddr, EXEC32_MMAP - PAGE_SIZE + 0x800), ENOMEM },
    { DATAS(vaddr, EXEC32_STACK - PAGE_SIZE + 0x800), ENOMEM },
    { DATAS(vaddr, COMPAT_PAGE + 0x800), ENOMEM },
    { DATAS(vaddr, 0xfffff800), ENOMEM },
    { DATAS(filesz, DATA_SIZE + 1), ENOEXEC },
    { DATAS(filesz, 0xffffffff), ENOEXEC },
    { DATAS(filesz, -0x2800u), ENOEXEC },
    { DATAS(memsz, DATA_SIZE - 1), ENOEXEC },
    { DATAS(memsz, EXEC32_MMAP - DATA_AT + 1), ENOMEM },
    { DATAS(memsz, 0xffffffff), ENOMEM },
    { DATAS(memsz, -DATA_AT), ENOMEM },
    { DATAS(align, 3), EINVAL },
    { DATAS(align, 0x80000001), EINVAL },
    { FREES(type, PT_INTERP), ENOEXEC },
};

TEST(elf32_refused)
{
    for (size_t i = 0; i < array_length(bad); i++) {
        make_file();
        memcpy(&file.bytes[bad[i].offset], &bad[i].value, bad[i].size);
        report_error(load(FILE_SIZE), -bad[i].error, "%s 0x%x", bad[i].what, bad[i].value);
    }
    make_file();
    for (size_t size = 0; size < 2 * sizeof(struct elf); size++)
        report_error(load(size), -ENOEXEC, "cut to %zu bytes", size);
    report_error(load(FILE_SIZE), 0, "the whole");
}

// ---- any -----------------------------------------------------------------------------------------------

enum { MUTANTS = 500, CHANGES = 4 };

static u32 odd_value(void)
{
    static const u32 odd[] = { 0,         1,           PAGE_SIZE,    TEXT_AT,     DATA_AT,
                               FILE_SIZE, EXEC32_MMAP, EXEC32_STACK, COMPAT_PAGE, 1u << 31 };
    u32 value = odd[test_random() % array_length(odd)];

    switch (test_random() % 4) {
    case 0:
        return (u32)test_random();
    case 1:
        return value + (u32)(test_random() % 3) - 1;
    case 2:
        return -value;
    default:
        return value;
    }
}

// Every region of what was taken lies below 4 GiB, and none is both writable and executable.
static bool sound(const struct task *task)
{
    u64 free = EXEC_LOWEST;

    for (size_t i = 0; i < task->space->count; i++) {
        const struct region *region = task->space->regions[i];

        if (region->start < free || region->end > COMPAT_PAGE + PAGE_SIZE ||
            (region->rights & ACCESS_WRITE && region->rights & ACCESS_EXECUTE))
            return false;
        free = region->end;
    }
    return true;
}

TEST(elf32_fuzz)
{
    size_t before = 0, taken = 0;

    for (unsigned i = 0; i < MUTANTS; i++) {
        struct task *task = process_new("mutant");
        struct exec exec = exec_of(test_random() % 8 ? FILE_SIZE : test_random() % FILE_SIZE);
        size_t changes = 1 + test_random() % CHANGES;
        int error;

        if (i == 1)
            before = pages_available(); // the heap has what it keeps
        make_file();
        while (changes--) {
            u32 value = odd_value();
            size_t size = 1ul << test_random() % 3;

            memcpy(&file.bytes[test_random() % (sizeof(struct elf) / size) * size], &value, size);
        }
        error = exec_load(task, &exec);
        report(error == 0 || error == -ENOEXEC || error == -EINVAL || error == -ENOMEM,
               "mutant %u: an error that means something", i);
        if (!error)
            report(sound(task), "mutant %u, which was taken: its regions", i);
        taken += !error;
        process_free(task);
    }
    report(taken > MUTANTS / 100 && taken < MUTANTS * 9 / 10, "some are taken, and some are not");
    report(pages_available() >= before, "no page is lost");
}
