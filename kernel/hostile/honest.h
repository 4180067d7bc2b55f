// What the honest program writes down of itself, at the start of its DATA; honest.asm knows the offsets.
#pragma once

#include <arch/types.h>

enum { SEGMENTS = 6 }; // cs ss ds es fs gs

struct found {
    u64 registers[16]; // as instructions number them
    u64 flags;
    u64 segment[SEGMENTS];
    u64 at_fs, at_gs;     // the words that the two bases point to
    u64 xsave;            // given: whether the CPU has it
    u64 fs_word, gs_word; // given: what they point to
    u64 parent[2];        // what getppid says, by SYSCALL and by int 0x80
    u8 fpu[4096 - 512] aligned_to(512);
};
static_assert(sizeof(struct found) == 4096, "a page");
