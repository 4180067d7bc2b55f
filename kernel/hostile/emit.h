// Writing a hostile program's code, instruction by instruction. SDM vol. 2, section 2.1.
#pragma once

#include <kernel/hostile/hostile.h>
#include <kernel/string.h>

static inline void put(struct program *program, const void *bytes, size_t count)
{
    memcpy(&program->code[program->length], bytes, count);
    program->length += count;
}

#define PUT(program, ...) \
    put(program, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static inline void put_32(struct program *program, u64 value)
{
    put(program, &value, sizeof(u32));
}

// MOV register, value.
static inline void load(struct program *program, unsigned reg, u64 value)
{
    PUT(program, (u8)(0x48 | reg >> 3), (u8)(0xb8 | (reg & 7)));
    put(program, &value, sizeof(value));
    known_note(program, value);
}

// MOV [address], register.
static inline void store(struct program *program, unsigned reg, u64 address)
{
    PUT(program, (u8)(0x48 | reg >> 3 << 2), 0x89, (u8)((reg & 7) << 3 | 4), 0x25);
    put_32(program, address);
}
