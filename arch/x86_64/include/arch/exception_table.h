// The exception table: instructions that may fault, each with the place where to go on if it does.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

struct exception_row {
    u64 instruction;
    u64 fixup;
};
static_assert(sizeof(struct exception_row) == 16, "two addresses, as MAY_FAULT writes them");

// MAY_FAULT("instruction", "label"): in an asm statement, an instruction that may fault, and the
// label of the statement at which to go on then. may_fault is the same in NASM (exception_table.inc).
#define MAY_FAULT(instruction, fixup)                      \
    "1: " instruction "\n\t"                               \
    ".pushsection .exception_table, \"aw\", @progbits\n\t" \
    ".quad 1b, " fixup "\n\t"                              \
    ".popsection\n\t"

// All rows that are linked, sorted by instruction from INIT_FAULTS on and read-only. linker.ld
extern struct exception_row exception_table_start[], exception_table_end[];

static inline size_t exception_table_count(void)
{
    return ((u64)exception_table_end - (u64)exception_table_start) / sizeof(struct exception_row);
}

// Sorts `count` rows by instruction. Two rows for one instruction are a panic.
void exception_table_sort(struct exception_row *rows, size_t count);

// The row of exactly this instruction among `count` sorted rows, or NULL.
const struct exception_row *exception_table_find(const struct exception_row *rows, size_t count,
                                                 u64 instruction);

// Whether the table has a row for this instruction.
bool exception_table_has(u64 instruction);

// Looks up the instruction at regs->rip, this one and no other. If the table has it, changes regs->rip
// to its fixup and returns true; the general registers stay as the instruction left them.
bool exception_table_fixup(struct pt_regs *regs);
