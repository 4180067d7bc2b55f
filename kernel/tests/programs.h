// Programs for the kernel's own tests, each a flat one; programs.asm says what they do.
#pragma once

#include <kernel/flat.h>

extern const struct flat leaves_traces, finds, keeps, keeps_avx, owes_exception, reserved_mxcsr,
    reserved_fxrstor, reserved_xrstor, breaks, local_descriptor;

// A task with this program, or NULL with a complaint. programs.c
struct task *program_new(const struct flat *flat);

// The page at `address` of a program, where the kernel sees it; NULL if it is not there.
void *program_page(const struct task *task, u64 address);

// Runs it until it stops; the vector that stopped it.
unsigned program_run(struct task *task);
