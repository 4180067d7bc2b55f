// The system calls of i386: Linux's numbers.
#pragma once

#include <arch/types.h>

#define CALLS32_ARGUMENTS 6

// Makes the call with this number, for the program that runs; `arguments` are its registers ebx, ecx, edx, esi,
// edi, ebp. The result, or a negative errno: -ENOSYS for a number that has no call.
long calls32_make(u32 number, const u64 arguments[CALLS32_ARGUMENTS]);
