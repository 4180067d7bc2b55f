// ELF64: where its fields lie.

#include <arch/segments.h>
#include <kernel/elf.h>
#include <kernel/string.h>

struct header64 {
    u8 ident[ELF_IDENT_SIZE];
    u16 type, machine;
    u32 version;
    u64 entry, headers, sections;
    u32 flags;
    u16 size, header_size, headers_count, section_size, sections_count, section_names;
};
static_assert(sizeof(struct header64) == 64, "ELF64 header");

struct segment64 {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, alignment;
};
static_assert(sizeof(struct segment64) == 56, "ELF64 program header");

// The file's bytes may lie anywhere.
static void header64(struct elf_header *to, const void *from)
{
    struct header64 header;

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

static void segment64(struct elf_segment *to, const void *from)
{
    struct segment64 segment;

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
    .class = ELF_CLASS_64,
    .machine = ELF_MACHINE_X86_64,
    .header_size = sizeof(struct header64),
    .segment_size = sizeof(struct segment64),
    .header = header64,
    .segment = segment64,
    .end = EXEC_MMAP,
};

static int load(struct task *task, struct exec *exec)
{
    exec->cs = USER_CS;
    exec->stack = EXEC_STACK;
    exec->word = sizeof(u64);
    exec->platform = "x86_64";
    return elf_load(&width, task, exec);
}

struct exec_format elf64_format = { .name = "ELF64", .load = load };
