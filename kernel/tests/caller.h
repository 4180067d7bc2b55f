// A program that makes system calls of files, for tests that make them in its place: its memory, its descriptors,
// and some files.
//
//   /box  motd ("Welcome to Gatehouse\n")  tool ("#!", executable)  link (to motd)  dangling  sub/
#pragma once

#include <arch/layout.h>
#include <kernel/process.h>

// Its memory: pages that it may write, one that it may only read, and nothing behind that.
#define MEMORY    0x10000ul
#define PATHS     MEMORY
#define DATA      (MEMORY + PAGE_SIZE)
#define READ_ONLY (MEMORY + 3 * PAGE_SIZE)
#define NOTHING   (MEMORY + 4 * PAGE_SIZE)
#define NOT_ITS   0xffff888000000000ul

// It runs from the one to the other. Descriptor 1 is a pipe, from which `input` comes; 0 and 2 are the terminal.
void caller_begin(const char *input);
void caller_end(void);

// The address of this path in its memory; and the path opened.
u64 caller_path(const char *text);
long caller_open(const char *path, int flags);

// What is in its memory there, at most a page; and a test of it.
extern char caller_seen[PAGE_SIZE];
const char *caller_memory(u64 address, size_t size);
void caller_expect(u64 address, const char *text, const char *what);

// What it has written to descriptor 1.
const char *caller_written(size_t *size);
