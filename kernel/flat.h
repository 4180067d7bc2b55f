// Programs without a format: bytes that run where they are put.
#pragma once

#include <kernel/task.h>

#define FLAT_CODE      0x400000ul       // the bytes, to read and execute
#define FLAT_DATA      0x500000ul       // zeroes, to read and write,
#define FLAT_DATA_SIZE 0x10000ul        // so many
#define FLAT_STACK     0x7ffffffff000ul // its end; it grows

struct flat {
    const char *start, *end; // begins with the first instruction
};

// Gives the task this program; its bytes must stay where they are. 0, or -ENOMEM.
int flat_load(struct task *task, const struct flat *flat);
