// ELF32: where its fields lie, and what is where in a 32-bit program's address space.

#include <arch/compat.h>
#include <arch/segments.h>
#include <kernel/auxv.h>
#include <kernel/compat_page.h>
#include <kernel/elf.h>
#include <kernel/string.h>

struct header32 {
    u8 ident[ELF_IDENT_SIZE];
    u16 type, machine;
    u32 version, entry, headers, sections, flags;
    u16 size, header_size, headers_count, section_size, sections_count, section_names;
};
static_assert(sizeof(struct header32) == 52, "ELF32 header");

struct segment32 {
    u32 type, offset, address, physical, file_size, memory_size, flags, alignment;
};
static_assert(sizeof(struct segment32) == 32, "ELF32 program header");

// The file's bytes may lie anywhere.
static void header32(struct elf_header *to, const void *from)
{
    struct header32 header;

    memcpy(&header, from, sizeof(header));
    *to = (struct elf_header){
        .type = header.type,
        .machine = header.machine,
        .version = header.version,
        .entry = header.entry,
        .headers = header.headers,
        .flags = header.flags,
        .size = header.size,
        .header_size = header.header_size,
        .headers_count = header.headers_count,
    };
    memcpy(to->ident, header.ident, sizeof(to->ident));
}

static void segment32(struct elf_segment *to, const void *from)
{
    struct segment32 segment;

    memcpy(&segment, from, sizeof(segment));
    *to = (struct elf_segment){
        .type = segment.type,
        .flags = segment.flags,
        .offset = segment.offset,
        .address = segment.address,
        .file_size = segment.file_size,
        .memory_size = segment.memory_size,
        .alignment = segment.alignment,
    };
}

static const struct elf_width width = {
    .class = ELF_CLASS_32,
    .machine = ELF_MACHINE_386,
    .header_size = sizeof(struct header32),
    .segment_size = sizeof(struct segment32),
    .header = header32,
    .segment = segment32,
    .end = EXEC32_MMAP,
};

static int load(struct task *task, struct exec *exec)
{
    int error;

    exec->cs = USER32_CS;
    exec->stack = EXEC32_STACK;
    exec->word = sizeof(u32);
    exec->platform = "i686";
    error = elf_load(&width, task, exec);
    if (!error)
        error = compat_page_map(task->space);
    if (error)
        return error;
    exec_auxv(exec, AT_SYSINFO, compat_page_entry());
    task->user.ds = task->user.es = USER_DS; // 32-bit code uses their bases and limits
    task->process->addresses_end = COMPAT_PAGE;
    return 0;
}

struct exec_format elf32_format = { .name = "ELF32", .load = load };
