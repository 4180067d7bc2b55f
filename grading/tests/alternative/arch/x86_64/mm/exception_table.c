// The exception table: what an instruction that may fault wants done when it does.

#include <arch/exception_table.h>
#include <arch/hole.h>
#include <arch/paging.h>
#include <kernel/init.h>
#include <kernel/panic.h>

// Insertion sort: the linker has put the rows together file by file, nearly sorted.
void exception_table_sort(struct exception_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct exception_row row = rows[i];
        size_t at = i;

        for (; at > 0 && rows[at - 1].instruction > row.instruction; at--)
            rows[at] = rows[at - 1];
        if (at > 0 && rows[at - 1].instruction == row.instruction)
            panic("exception table: two rows for the instruction at 0x%lx", row.instruction);
        rows[at] = row;
    }
}

const struct exception_row *exception_table_find(const struct exception_row *rows, size_t count,
                                                 u64 instruction)
{
    // LAB 4.3: Halve the rows that are left until one is the instruction's, or none is left.
    const struct exception_row *first = rows;
    size_t left = count;

    for (; left > 0; left /= 2) {
        const struct exception_row *middle = first + left / 2;

        if (instruction == middle->instruction)
            return middle;
        if (instruction > middle->instruction) {
            first = middle + 1;
            left--;
        }
    }
    return NULL;
}

static const struct exception_row *row_of(u64 instruction)
{
    return exception_table_find(exception_table_start, exception_table_count(), instruction);
}

bool exception_table_has(u64 instruction)
{
    return row_of(instruction) != NULL;
}

bool exception_table_fixup(struct pt_regs *regs)
{
    // LAB 4.4: The interrupted code goes on at its row's fixup, all else as it is.
    const struct exception_row *found = row_of(regs->rip);

    if (found)
        regs->rip = found->fixup;
    return found;
}

static void exception_table_initialise(void)
{
    exception_table_sort(exception_table_start, exception_table_count());
    paging_seal();
}
INIT(INIT_FAULTS, exception_table_initialise);
