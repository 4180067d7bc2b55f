// ELF files are checked here as if somebody had made them to harm us: every sum may wrap, every number may
// be the largest there is, and nothing is mapped before all of it is known to fit.

#include <kernel/auxv.h>
#include <kernel/elf.h>
#include <kernel/errno.h>
#include <kernel/file_pages.h>
#include <kernel/regions.h>
#include <kernel/string.h>

// What is known of the file when it has passed.
struct plan {
    struct elf_header header;
    struct elf_segment segments[ELF_SEGMENTS]; // those with something in them, by address
    size_t count;
};

// Whether `size` bytes at `offset` are among `all`.
static bool within(u64 offset, u64 size, u64 all)
{
    return offset <= all && size <= all - offset;
}

static u64 page_of(u64 address)
{
    return address & -PAGE_SIZE;
}

static u64 page_after(u64 address)
{
    return page_of(address + PAGE_SIZE - 1);
}

static bool is_ours(const struct elf_width *width, const struct elf_header *header)
{
    const u8 *ident = header->ident;

    return !memcmp(ident, ELF_MAGIC, sizeof(ELF_MAGIC) - 1) && ident[ELF_CLASS] == width->class &&
           ident[ELF_DATA] == ELF_LITTLE_ENDIAN && ident[ELF_IDENT_VERSION] == ELF_VERSION &&
           (ident[ELF_ABI] == ELF_ABI_SYSTEM_V || ident[ELF_ABI] == ELF_ABI_GNU) &&
           ident[ELF_ABI_VERSION] == 0 && header->type == ELF_EXECUTABLE &&
           header->machine == width->machine && header->version == ELF_VERSION && !header->flags;
}

// Of the sections nothing is used, so nothing of them is looked at.
static int check_header(const struct elf_width *width, const struct elf_header *header, size_t size)
{
    if (!is_ours(width, header) || header->size != width->header_size ||
        header->header_size != width->segment_size || header->headers_count < 1 ||
        header->headers_count > ELF_HEADERS)
        return -ENOEXEC;
    if (!within(header->headers, header->headers_count * width->segment_size, size))
        return -ENOEXEC;
    return 0;
}

// One segment by itself; it is not empty.
static int check_segment(const struct elf_width *width, const struct elf_segment *segment,
                         size_t size)
{
    u64 alignment = segment->alignment ? segment->alignment : 1;
    u64 apart = segment->address - segment->offset;

    if (segment->flags & ~(u64)(ELF_R | ELF_W | ELF_X) ||
        (segment->flags & (ELF_W | ELF_X)) == (ELF_W | ELF_X))
        return -ENOEXEC;
    if (segment->file_size > segment->memory_size ||
        !within(segment->offset, segment->file_size, size))
        return -ENOEXEC;
    if (alignment & (alignment - 1) || apart % alignment || apart % PAGE_SIZE)
        return -EINVAL;
    if (segment->address < EXEC_LOWEST)
        return -EINVAL;
    if (!within(segment->address, segment->memory_size, width->end))
        return -ENOMEM;
    return 0;
}

// The standard wants the segments in ascending order. No page belongs to two: it could have the rights
// of one of them only.
static int check_order(const struct plan *plan, const struct elf_segment *segment)
{
    const struct elf_segment *before;

    if (plan->count == 0)
        return 0;
    if (plan->count == ELF_SEGMENTS)
        return -ENOEXEC;
    before = &plan->segments[plan->count - 1];
    return page_after(before->address + before->memory_size) > page_of(segment->address) ? -ENOEXEC
                                                                                         : 0;
}

static int check_segments(const struct elf_width *width, const struct exec *exec, struct plan *plan)
{
    const char *from = (const char *)exec->file + plan->header.headers;

    for (u64 i = 0; i < plan->header.headers_count; i++, from += width->segment_size) {
        struct elf_segment segment;
        int error;

        width->segment(&segment, from);
        if (segment.type == ELF_INTERPRETER)
            return -ENOEXEC; // wants a dynamic linker
        if (segment.type != ELF_LOAD || !segment.memory_size)
            continue;
        error = check_segment(width, &segment, exec->size);
        if (!error)
            error = check_order(plan, &segment);
        if (error)
            return error;
        plan->segments[plan->count++] = segment;
    }
    return plan->count ? 0 : -ENOEXEC;
}

// It begins with an instruction of the file's.
static int check_entry(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct elf_segment *segment = &plan->segments[i];

        if (segment->flags & ELF_X && plan->header.entry - segment->address < segment->file_size)
            return 0;
    }
    return -ENOEXEC;
}

static unsigned rights_of(const struct elf_segment *segment)
{
    return ACCESS_USER | (segment->flags ? ACCESS_READ : 0) |
           (segment->flags & ELF_W ? ACCESS_WRITE : 0) |
           (segment->flags & ELF_X ? ACCESS_EXECUTE : 0);
}

// What is in the file, up to the end of its last page, and zeroes behind.
static int map_segment(struct task *task, const struct exec *exec,
                       const struct elf_segment *segment)
{
    u64 start = page_of(segment->address),
        end = page_after(segment->address + segment->memory_size);
    u64 zeroes = segment->file_size ? page_after(segment->address + segment->file_size) : start;
    const struct region file = {
        .start = start,
        .end = zeroes,
        .rights = rights_of(segment),
        .fill = file_pages_fill,
        .context = (void *)exec->file,
        .offset = page_of(segment->offset),
        .limit = segment->offset + segment->file_size,
    };
    const struct region zero = { .start = zeroes, .end = end, .rights = rights_of(segment) };
    int error = file.start < file.end ? region_add(task->space, &file) : 0;

    if (!error && zero.start < zero.end)
        error = region_add(task->space, &zero);
    return error;
}

// Where the program finds its own program headers; 0 if no segment brings them along.
static u64 headers_in_memory(const struct elf_width *width, const struct plan *plan)
{
    u64 size = plan->header.headers_count * width->segment_size;

    for (size_t i = 0; i < plan->count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        u64 at = plan->header.headers - segment->offset;

        if (plan->header.headers >= segment->offset && within(at, size, segment->file_size))
            return segment->address + at;
    }
    return 0;
}

int elf_load(const struct elf_width *width, struct task *task, struct exec *exec)
{
    struct plan plan = { .count = 0 };
    const struct elf_segment *last;
    int error;

    if (exec->size < width->header_size)
        return -ENOEXEC;
    width->header(&plan.header, exec->file);
    error = check_header(width, &plan.header, exec->size);
    if (!error)
        error = check_segments(width, exec, &plan);
    if (!error)
        error = check_entry(&plan);
    for (size_t i = 0; i < plan.count && !error; i++)
        error = map_segment(task, exec, &plan.segments[i]);
    if (error)
        return error;

    last = &plan.segments[plan.count - 1];
    exec->entry = plan.header.entry;
    exec->brk = page_after(last->address + last->memory_size);
    exec_auxv(exec, AT_PHDR, headers_in_memory(width, &plan));
    exec_auxv(exec, AT_PHENT, width->segment_size);
    exec_auxv(exec, AT_PHNUM, plan.header.headers_count);
    return 0;
}
