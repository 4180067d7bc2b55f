// Short names for the exact-width types, as the manuals' tables use them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define static_assert _Static_assert
#define array_length(a)  (sizeof(a) / sizeof((a)[0]))
#define noreturn         _Noreturn
#define packed           __attribute__((packed))
#define aligned_to(n)    __attribute__((aligned(n)))
#define in_section(name) __attribute__((section(name), used))
