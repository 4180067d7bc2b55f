// The names of functions. The table is made from the first link's symbols and stands in the second
// at the end of the read-only data, where it moves no code.

#include <arch/layout.h>
#include <kernel/print.h>
#include <kernel/symbols.h>

extern const struct symbol symbol_table[]; // build/.../symbols.asm, sorted by address
extern const u64 symbol_count;

const struct symbol *symbol_at(u64 address)
{
    size_t low = 0, high = symbol_count;

    if (address < (u64)text_start || address >= (u64)text_end)
        return NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (symbol_table[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &symbol_table[low - 1] : NULL;
}

void symbol_print(u64 address)
{
    const struct symbol *symbol = symbol_at(address);

    if (symbol)
        print("%s+0x%lx", symbol->name, address - symbol->address);
    else
        print("0x%lx", address);
}
