// The types of the auxiliary vector's entries. System V ABI, AMD64 supplement, section 3.4.3; the later ones
// are Linux's, getauxval(3).
#pragma once

enum auxv_type {
    AT_NULL = 0,
    AT_PHDR = 3,  // the program's own program headers,
    AT_PHENT = 4, // the size of one,
    AT_PHNUM = 5, // and how many
    AT_PAGESZ = 6,
    AT_BASE = 7, // the dynamic linker's address
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_PLATFORM = 15, // a string
    AT_HWCAP = 16,    // CPUID.1:EDX
    AT_CLKTCK = 17,   // ticks per second of times(2)
    AT_SECURE = 23,   // whether it has rights that its caller has not
    AT_RANDOM = 25,   // the address of 16 random bytes
    AT_HWCAP2 = 26,
    AT_EXECFN = 31, // a string: the path
    AT_SYSINFO = 32,
    AT_SYSINFO_EHDR = 33,
};
