// The kernel's own tests: ELF files, good and bad.

#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>

// ---- a file ------------------------------------------------------------------------------------------

// From the specification, not from the loader: so it is written down twice, and one checks the other.
struct elf {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        u32 type, flags;
        u64 offset, vaddr, paddr, filesz, memsz, align;
    } phdr[5];
};

enum { PT_LOAD = 1, PT_INTERP = 3, PT_NOTE = 4, R = 4, W = 2, X = 1 };
enum { TEXT, DATA, NOTE, FREE }; // its program headers

#define TEXT_AT   0x400000ul
#define DATA_AT   0x402800ul
#define DATA_SIZE 0x900ul  // in the file: it ends in the page after,
#define DATA_ALL  0x3000ul // and in memory
#define FILE_SIZE (2 * PAGE_SIZE + 0x800 + DATA_SIZE)

static union {
    struct elf elf;
    u8 bytes[FILE_SIZE];
} file;

#define ENTRY_OFFSET sizeof(struct elf)

// UD2 at its entry; bytes that say where they are from everywhere else.
static void make_file(void)
{
    for (size_t i = 0; i < FILE_SIZE; i++)
        file.bytes[i] = (u8)(i * 7 + i / 256);
    file.elf = (struct elf){
        .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
        .type = 2,
        .machine = 62,
        .version = 1,
        .entry = TEXT_AT + ENTRY_OFFSET,
        .phoff = offsetof(struct elf, phdr),
        .ehsize = 64,
        .phentsize = 56,
        .phnum = 4,
        .phdr = {
            [TEXT] = { PT_LOAD, R | X, 0, TEXT_AT, TEXT_AT, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE },
            [DATA] = { PT_LOAD, R | W, 0x2800, DATA_AT, DATA_AT, DATA_SIZE, DATA_ALL, PAGE_SIZE },
            [NOTE] = { PT_NOTE, R, 0, 0, 0, 0, 0, 4 },
            [FREE] = { PT_NOTE, R, 0, 0, 0, 0, 0, 4 },
        },
    };
    file.bytes[ENTRY_OFFSET] = 0x0f;
    file.bytes[ENTRY_OFFSET + 1] = 0x0b;
}

static const char *const one_argument[] = { "/test", NULL };
static const char *const nothing[] = { NULL };

static struct exec exec_of(size_t size)
{
    return (struct exec){
        .path = "/test",
        .file = file.bytes,
        .size = size,
        .argv = one_argument,
        .envp = nothing,
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

// ---- a good one --------------------------------------------------------------------------------------

// What the program sees at `address`.
static u8 byte_at(struct task *task, u64 address)
{
    u8 byte = 0;

    space_switch(task->space);
    report_count(copy_from_user(&byte, address, 1), 0, "bytes at 0x%lx that cannot be read",
                 address);
    space_switch(&kernel_space);
    return byte;
}

static void expect_byte(struct task *task, u64 address, u64 offset)
{
    report_equal(byte_at(task, address), offset ? file.bytes[offset] : 0, "the byte at 0x%lx",
                 address);
}

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

TEST(elf_loaded)
{
    struct task *task = process_new("test");
    struct exec exec;

    make_file();
    exec = exec_of(FILE_SIZE);
    report(task, "a process");
    if (!task)
        return;
    report_error(exec_load(task, &exec), 0, "exec_load");
    report_count(task->space->count, 4, "regions: text, data, zeroes, stack");
    expect_region(task, TEXT_AT, TEXT_AT, TEXT_AT + PAGE_SIZE, ACCESS_READ | ACCESS_EXECUTE);
    expect_region(task, DATA_AT, 0x402000, 0x404000, ACCESS_READ | ACCESS_WRITE);
    expect_region(task, 0x404000, 0x404000, 0x406000, ACCESS_READ | ACCESS_WRITE);
    expect_byte(task, TEXT_AT + 8 * 100, 8 * 100);
    expect_byte(task, DATA_AT, 0x2800);
    expect_byte(task, DATA_AT + DATA_SIZE - 1, 0x2800 + DATA_SIZE - 1);
    expect_byte(task, DATA_AT + DATA_SIZE, 0);
    expect_byte(task, 0x404000 - 1, 0);
    expect_byte(task, DATA_AT + DATA_ALL - 1, 0);
    report_equal(task->process->brk_start, 0x406000, "where brk starts");
    report_equal(task->process->brk, 0x406000, "brk");
    report(!strcmp(task->process->exe, "/test"), "the process knows its file");
    task_run(task);
    report_count(task->end.vector, VECTOR_UD, "it runs and ends by vector");
    report_equal(task->end.regs.rip, TEXT_AT + ENTRY_OFFSET, "at rip");
    process_free(task);
}

// Segments without bytes in the file, without bytes at all, in a page with nothing else, ending with the file.
TEST(elf_odd_and_good)
{
    make_file();
    file.elf.phdr[DATA].filesz = 0;
    report_error(load(FILE_SIZE), 0, "zeroes only");
    make_file();
    file.elf.phdr[DATA].memsz = file.elf.phdr[DATA].filesz = 0;
    report_error(load(FILE_SIZE), 0, "an empty segment");
    make_file();
    file.elf.phdr[DATA].align = 0;
    report_error(load(FILE_SIZE), 0, "no alignment");
    file.elf.phdr[DATA].align = TEXT_AT;
    report_error(load(FILE_SIZE), 0, "more alignment than a page's");
    make_file();
    file.elf.phdr[DATA].flags = R;
    report_error(load(FILE_SIZE), 0, "data that is read only");
    make_file();
    file.elf.ident[7] = 3;
    report_error(load(FILE_SIZE), 0, "GNU's ABI");
    make_file();
    file.elf.shoff = file.elf.shnum = file.elf.shstrndx = 0xffff;
    report_error(load(FILE_SIZE), 0, "sections that are nowhere");
    make_file();
    file.elf.phdr[DATA].memsz = EXEC_MMAP - DATA_AT;
    report_error(load(FILE_SIZE), 0, "as much memory as there are addresses");
}

// ---- bad ones ----------------------------------------------------------------------------------------

struct bad {
    const char *what;
    size_t offset, size;
    u64 value;
    int error;
};

#define FIELD(field)         offsetof(struct elf, field), sizeof(file.elf.field)
#define HEADER(field, value) "header: " #field, FIELD(field), value
#define TEXTS(field, value)  "text: " #field, FIELD(phdr[TEXT].field), value
#define DATAS(field, value)  "data: " #field, FIELD(phdr[DATA].field), value
#define FREES(field, value)  "a third one: " #field, FIELD(phdr[FREE].field), value

static const struct bad bad[] = {
    { HEADER(ident[0], 0x7e), ENOEXEC },
    { HEADER(ident[3], 'f'), ENOEXEC },
    { HEADER(ident[4], 1), ENOEXEC },
    { HEADER(ident[4], 3), ENOEXEC },
    { HEADER(ident[5], 2), ENOEXEC },
    { HEADER(ident[6], 0), ENOEXEC },
    { HEADER(ident[7], 9), ENOEXEC },
    { HEADER(ident[8], 1), ENOEXEC },
    { HEADER(type, 1), ENOEXEC },
    { HEADER(type, 3), ENOEXEC },
    { HEADER(type, 0xffff), ENOEXEC },
    { HEADER(machine, 3), ENOEXEC },
    { HEADER(version, 2), ENOEXEC },
    { HEADER(flags, 1), ENOEXEC },
    { HEADER(ehsize, 52), ENOEXEC },
    { HEADER(phentsize, 32), ENOEXEC },
    { HEADER(phentsize, 57), ENOEXEC },
    { HEADER(phentsize, 0), ENOEXEC },
    { HEADER(phnum, 0), ENOEXEC },
    { HEADER(phnum, 65), ENOEXEC },
    { HEADER(phnum, 0xffff), ENOEXEC },
    { HEADER(phoff, FILE_SIZE - 4 * 56 + 1), ENOEXEC },
    { HEADER(phoff, FILE_SIZE + 1), ENOEXEC },
    { HEADER(phoff, (u64)-56), ENOEXEC },
    { HEADER(phoff, (u64)-1), ENOEXEC },
    { HEADER(entry, 0), ENOEXEC },
    { HEADER(entry, TEXT_AT - 1), ENOEXEC },
    { HEADER(entry, TEXT_AT + PAGE_SIZE), ENOEXEC },
    { HEADER(entry, DATA_AT), ENOEXEC },
    { HEADER(entry, 0x800000000000), ENOEXEC },
    { HEADER(entry, 0xffffffff80000000), ENOEXEC },

    { TEXTS(flags, R | W | X), ENOEXEC },
    { TEXTS(flags, R), ENOEXEC }, // nothing to execute then
    { TEXTS(flags, 0), ENOEXEC },
    { TEXTS(type, PT_INTERP), ENOEXEC },
    { TEXTS(filesz, 0), ENOEXEC },
    { TEXTS(memsz, PAGE_SIZE - 1), ENOEXEC },
    { TEXTS(memsz, 2 * PAGE_SIZE + 1), ENOEXEC }, // reaches the data's page
    { TEXTS(vaddr, 0), EINVAL },
    { TEXTS(vaddr, PAGE_SIZE), EINVAL },
    { TEXTS(vaddr, EXEC_LOWEST - PAGE_SIZE), EINVAL },
    { TEXTS(vaddr, 0x402000), ENOEXEC },
    { TEXTS(vaddr, 0x500000), ENOEXEC }, // behind the data

    { DATAS(flags, W | X), ENOEXEC },
    { DATAS(flags, 1 << 3), ENOEXEC },
    { DATAS(flags, 1u << 31 | R), ENOEXEC },
    { DATAS(type, PT_INTERP), ENOEXEC },
    { DATAS(offset, 0x27ff), EINVAL },
    { DATAS(offset, 0x3800), ENOEXEC },
    { DATAS(offset, (u64)-0x1800), ENOEXEC },
    { DATAS(offset, 0x7ffffffffffff800), ENOEXEC },
    { DATAS(vaddr, DATA_AT + 1), EINVAL },
    { DATAS(vaddr, TEXT_AT + 0x800), ENOEXEC },
    { DATAS(vaddr, 0x3ff800), ENOEXEC },
    { DATAS(vaddr, EXEC_MMAP - PAGE_SIZE + 0x800), ENOMEM },
    { DATAS(vaddr, EXEC_STACK - PAGE_SIZE + 0x800), ENOMEM },
    { DATAS(vaddr, 0x7fffffffe800), ENOMEM },
    { DATAS(vaddr, 0x800000000800), ENOMEM },
    { DATAS(vaddr, 0xffffffff80000800), ENOMEM },
    { DATAS(vaddr, 0xfffffffffffff800), ENOMEM },
    { DATAS(filesz, DATA_SIZE + 1), ENOEXEC },
    { DATAS(filesz, DATA_ALL + 1), ENOEXEC },
    { DATAS(filesz, (u64)-1), ENOEXEC },
    { DATAS(filesz, (u64)-0x2800), ENOEXEC },
    { DATAS(memsz, DATA_SIZE - 1), ENOEXEC },
    { DATAS(memsz, 0x800000000000), ENOMEM },
    { DATAS(memsz, EXEC_MMAP - DATA_AT + 1), ENOMEM },
    { DATAS(memsz, (u64)-1), ENOMEM },
    { DATAS(memsz, (u64)-DATA_AT), ENOMEM },
    { DATAS(align, 3), EINVAL },
    { DATAS(align, 0x10000000), EINVAL },
    { DATAS(align, 1ul << 63 | 1), EINVAL },

    { FREES(type, PT_INTERP), ENOEXEC },
};

static void put(const struct bad *row)
{
    memcpy(&file.bytes[row->offset], &row->value, row->size);
}

TEST(elf_refused)
{
    for (size_t i = 0; i < array_length(bad); i++) {
        make_file();
        put(&bad[i]);
        report_error(load(FILE_SIZE), -bad[i].error, "%s 0x%lx", bad[i].what, bad[i].value);
    }
}

// Every length but the whole one.
TEST(elf_cut_short)
{
    make_file();
    for (size_t size = 0; size < 2 * sizeof(struct elf); size++)
        report_error(load(size), -ENOEXEC, "cut to %zu bytes", size);
    report_error(load(FILE_SIZE - 1), -ENOEXEC, "cut by one byte");
}

// A third segment, and then more than anybody needs.
TEST(elf_too_many_segments)
{
    enum { MOST = 16, HEADERS_AT = PAGE_SIZE };
    struct elf *elf = &file.elf;

    make_file();
    elf->phoff = HEADERS_AT;
    elf->phnum = MOST;
    for (unsigned i = 0; i <= MOST; i++) {
        elf->phdr[FREE] = elf->phdr[i ? DATA : TEXT];
        elf->phdr[FREE].vaddr += i * 0x10000;
        memcpy(&file.bytes[HEADERS_AT + i * sizeof(elf->phdr[0])], &elf->phdr[FREE],
               sizeof(elf->phdr[0]));
    }
    report_error(load(FILE_SIZE), 0, "%u segments", MOST);
    elf->phnum = MOST + 1;
    report_error(load(FILE_SIZE), -ENOEXEC, "%u segments", MOST + 1);
}

// ---- any ---------------------------------------------------------------------------------------------

enum { MUTANTS = 1000, CHANGES = 4 };

static u64 odd_value(void)
{
    static const u64 odd[] = {
        0,         1,          PAGE_SIZE - 1, PAGE_SIZE, TEXT_AT,  DATA_AT,   FILE_SIZE,
        EXEC_MMAP, EXEC_STACK, 1ul << 31,     1ul << 32, USER_END, 1ul << 63,
    };
    u64 value = odd[test_random() % array_length(odd)];

    switch (test_random() % 4) {
    case 0:
        return test_random();
    case 1:
        return value + test_random() % 3 - 1;
    case 2:
        return -value;
    default:
        return value;
    }
}

static void mutate(void)
{
    static const u8 sizes[] = { 1, 2, 4, 8 };
    size_t changes = 1 + test_random() % CHANGES;

    make_file();
    for (size_t i = 0; i < changes; i++) {
        size_t size = sizes[test_random() % array_length(sizes)];
        u64 value = odd_value();

        memcpy(&file.bytes[test_random() % (sizeof(struct elf) / size) * size], &value, size);
    }
}

// What must hold of any file that was taken: -1 if something does not.
static int sound(const struct task *task, size_t size)
{
    const struct address_space *space = task->space;
    const struct region *entry = NULL;
    u64 free = EXEC_LOWEST;

    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = space->regions[i];

        if (region->start < free || region->end > EXEC_STACK || region->start % PAGE_SIZE ||
            region->end % PAGE_SIZE || region->start >= region->end)
            return -1;
        if (!(region->rights & ACCESS_USER) ||
            (region->rights & ACCESS_WRITE && region->rights & ACCESS_EXECUTE))
            return -1;
        if (region->fill && (region->limit > size || region->offset > region->limit))
            return -1;
        if (task_regs(task)->rip >= region->start && task_regs(task)->rip < region->end)
            entry = region;
        free = region->end;
    }
    return entry && entry->rights & ACCESS_EXECUTE ? 0 : -1;
}

TEST(elf_fuzz)
{
    size_t before = 0, taken = 0;

    for (unsigned i = 0; i < MUTANTS; i++) {
        struct task *task = process_new("mutant");
        size_t size = test_random() % 8 ? FILE_SIZE : test_random() % FILE_SIZE;
        struct exec exec = exec_of(size);
        int error;

        if (i == 1)
            before = pages_available(); // the heap has what it keeps
        mutate();
        error = exec_load(task, &exec);
        report(error == 0 || error == -ENOEXEC || error == -EINVAL || error == -ENOMEM,
               "mutant %u: an error that means something", i);
        if (!error)
            report_error(sound(task, size), 0, "mutant %u, which was taken: its regions", i);
        taken += !error;
        process_free(task);
    }
    report(taken > MUTANTS / 100 && taken < MUTANTS * 9 / 10, "some are taken, and some are not");
    report(pages_available() >= before, "no page is lost");
}
