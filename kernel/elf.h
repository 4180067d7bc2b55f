// ELF files, 64 and 32 bits wide. "Tool Interface Standard, ELF specification" 1.2 and the System V ABI,
// AMD64 supplement, chapters 4 and 5.
#pragma once

#include <kernel/exec.h>

#define ELF_MAGIC      "\177ELF"
#define ELF_IDENT_SIZE 16
#define ELF_HEADERS    64 // program headers, at most,
#define ELF_SEGMENTS   16 // and segments to be loaded among them

enum elf_ident { ELF_CLASS = 4, ELF_DATA, ELF_IDENT_VERSION, ELF_ABI, ELF_ABI_VERSION };
enum { ELF_CLASS_32 = 1, ELF_CLASS_64 = 2, ELF_LITTLE_ENDIAN = 1, ELF_VERSION = 1 };
enum { ELF_ABI_SYSTEM_V = 0, ELF_ABI_GNU = 3 };
enum { ELF_EXECUTABLE = 2 }; // type: at fixed addresses
enum { ELF_MACHINE_386 = 3, ELF_MACHINE_X86_64 = 62 };
enum { ELF_LOAD = 1, ELF_INTERPRETER = 3 };
enum { ELF_X = 1 << 0, ELF_W = 1 << 1, ELF_R = 1 << 2 };

// The fields of a header, whatever their width in the file.
struct elf_header {
    u8 ident[ELF_IDENT_SIZE];
    u64 type, machine, version, entry, headers, flags, size, header_size, headers_count;
};

// And of a program header.
struct elf_segment {
    u64 type, flags, offset, address, file_size, memory_size, alignment;
};

// What distinguishes the two.
struct elf_width {
    u8 class;
    u16 machine;
    size_t header_size, segment_size; // of the two structs in the file
    void (*header)(struct elf_header *to, const void *from);
    void (*segment)(struct elf_segment *to, const void *from);
    u64 end; // of the addresses that its programs may use
};

// Checks the whole file, as if its author wished us ill, and then maps its segments, which come from the file
// page by page. Fills in exec->entry and brk, and the auxiliary vector of what it knows.
int elf_load(const struct elf_width *width, struct task *task, struct exec *exec);

extern struct exec_format elf64_format, elf32_format;
