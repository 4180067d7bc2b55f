// Reading kernel/syscalls.def, the table of the system calls. A row says all that is known of one:
//
//   SYSCALL(number, name, RESULT, KIND, argument, KIND, argument, ...)
//
// in the order of the numbers. A KIND says what an argument or the result means, and so what type it has in C
// and how a trace prints it.
#pragma once

#include <arch/types.h>

// Kind, type in C. An address is a user's: a number, never a pointer (<arch/user.h>).
#define SYSCALL_KINDS(KIND)                                          \
    KIND(NOTHING, int)    /* as a result: it does not return */      \
    KIND(INT, int)        /* decimal */                              \
    KIND(UINT, u32)       /* decimal */                              \
    KIND(LONG, long)      /* decimal */                              \
    KIND(SIZE, size_t)    /* decimal */                              \
    KIND(PID, int)        /* decimal */                              \
    KIND(FD, int)         /* decimal, or AT_FDCWD */                 \
    KIND(HEX, u64)        /* hexadecimal */                          \
    KIND(MODE, u32)       /* octal */                                \
    KIND(OPEN_FLAGS, int) /* O_RDONLY|... */                         \
    KIND(PROTECTION, int) /* PROT_READ|... */                        \
    KIND(MAP_FLAGS, int)  /* MAP_PRIVATE|... */                      \
    KIND(ADDRESS, u64)    /* NULL, or hexadecimal */                 \
    KIND(PATH, u64)       /* address of a string with its NUL */     \
    KIND(BYTES_IN, u64)   /* of bytes: the next argument's number */ \
    KIND(BYTES_OUT, u64)  /* of bytes: the result's number */

#define SYSCALL_KIND_TYPE(kind, type) typedef type syscall_##kind;
SYSCALL_KINDS(SYSCALL_KIND_TYPE)

#define SYSCALL_KIND_NAME(kind, type) KIND_##kind,
enum syscall_kind { SYSCALL_KINDS(SYSCALL_KIND_NAME) };

enum { SYSCALL_ARGUMENTS = 6 };

// SYSCALL_EACH(each, none, KIND, argument, ...) is a list: each(0, KIND, argument), each(1, KIND, argument), ...;
// and `none` where there is no argument.
// `, ##__VA_ARGS__` takes the comma away where nothing follows it.
#define SYSCALL_EACH(each, none, ...)                                                          \
    SYSCALL_PICK(0, ##__VA_ARGS__, EACH_6, , EACH_5, , EACH_4, , EACH_3, , EACH_2, , EACH_1, , \
                 EACH_0)                                                                       \
    (each, none, ##__VA_ARGS__)
#define SYSCALL_PICK(zero, k0, a0, k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, chosen, ...) chosen

#define EACH_0(each, none)                         none
#define EACH_1(each, none, k, a)                   each(0, k, a)
#define EACH_2(each, none, k, a, l, b)             each(0, k, a), each(1, l, b)
#define EACH_3(each, none, k, a, l, b, m, c)       EACH_2(each, , k, a, l, b), each(2, m, c)
#define EACH_4(each, none, k, a, l, b, m, c, n, d) EACH_3(each, , k, a, l, b, m, c), each(3, n, d)
#define EACH_5(each, none, k, a, l, b, m, c, n, d, o, e) \
    EACH_4(each, , k, a, l, b, m, c, n, d), each(4, o, e)
#define EACH_6(each, none, k, a, l, b, m, c, n, d, o, e, p, f) \
    EACH_5(each, , k, a, l, b, m, c, n, d, o, e), each(5, p, f)
