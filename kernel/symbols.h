// The names of the kernel's functions, by address.
#pragma once

#include <arch/types.h>

struct symbol {
    u64 address;
    const char *name;
};

// The last function that starts at or below `address`, or NULL if the address is not in the
// kernel's code.
const struct symbol *symbol_at(u64 address);

// Prints `name+0x12` for an address in the kernel's code, else just the address.
void symbol_print(u64 address);
