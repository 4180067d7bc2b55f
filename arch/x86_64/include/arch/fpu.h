// The registers of x87, SSE and AVX: programs' alone, for the kernel is compiled without them.
#pragma once

#include <arch/types.h>

// Memory for one program's, which begins as a program finds them: empty, nothing unmasked. NULL when
// memory is out.
void *fpu_new(void);
void fpu_free(void *area);

// From the registers, and into them: all that the CPU has of them, nothing of another program's left.
void fpu_save(void *area);
void fpu_load(const void *area);
