// Values that the kernel might not expect.

#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <entry/idt.h>
#include <kernel/hostile/hostile.h>

// Somewhere near: before, at, behind, and rarely far.
static u64 near(struct program *program, u64 address)
{
    static const long offsets[] = {
        0, 0, 0, -1, 1, -4, -8, 8, -16, 7, -0x1000, 0x1000, -0x80, 0x100
    };

    return address + (u64)offsets[below(program, array_length(offsets))];
}

// In the kernel's half, where nothing is; far from what is there, for a program may change the lower bits.
static u64 nowhere(struct program *program)
{
    static const u64 places[] = { 0xffff800000000000,
                                  DIRECT_MAP_BASE + (1ul << 40),
                                  DEVICES_BASE - (1ul << 32),
                                  STACKS_BASE - (1ul << 32),
                                  KERNEL_BASE,
                                  0xffffffffff600000 };

    return places[below(program, array_length(places))];
}

static u64 kernels(struct program *program)
{
    if (!program->informed)
        return nowhere(program);
    if (one_in(program, 2))
        return canary_address() + below(program, PAGE_SIZE);
    switch (below(program, 8)) {
    case 0:
        return (u64)this_cpu();
    case 1:
        return (u64)idt;
    case 2:
        return this_cpu()->tss.rsp[0];
    case 3:
        return (u64)text_start + below(program, (u64)text_end - (u64)text_start);
    case 4:
        return (u64)rodata_end + below(program, (u64)kernel_end - (u64)rodata_end);
    case 5:
        return DIRECT_MAP_BASE + below(program, 1 << 27);
    case 6:
        return DEVICES_BASE + below(program, 4 * PAGE_SIZE);
    default:
        return this_cpu()->tss.ist[below(program, 4)];
    }
}

static u64 users(struct program *program)
{
    static const u64 places[] = {
        CODE,         CODE + PAGE_SIZE,       DATA,      DATA + DATA_SIZE,
        DATA + WORDS, DATA + WORDS + 64,      READ_ONLY, FORBIDDEN,
        STACK,        STACK - PAGE_SIZE,      LAST_PAGE, DATA + STRINGS,
        USER_END,     DATA + DUMPS,           PAGE_SIZE, DATA + PAGE_SIZE,
        1ul << 32,    STACK - 64 * PAGE_SIZE,
    };

    return near(program, places[below(program, array_length(places))]);
}

static u64 edges(struct program *program)
{
    static const u64 values[] = {
        0,           0,          1,          2,          3,          ~0ul,
        1ul << 31,   1ul << 32,  1ul << 47,  1ul << 63,  0x7fffffff, 0xffffffff,
        ~0ul >> 1,   ~0ul << 47, ~0ul << 31, 0xdead0000, PAGE_SIZE,  0x8000000000000000 - PAGE_SIZE,
        ~0ul - 4094, 64,         4,          8,          1ul << 21,  0xffff7ffffffffff8,
    };

    return near(program, values[below(program, array_length(values))]);
}

u64 nasty_value(struct program *program)
{
    if (program->informed && one_in(program, 6))
        return near(program, kernels(program));
    switch (below(program, 8)) {
    case 0:
        return random_next(&program->random);
    case 1:
        return random_next(&program->random) >> below(program, 64);
    case 2:
        return near(program, kernels(program));
    case 3:
        return below(program, 64);
    case 4:
        return edges(program);
    default:
        return users(program);
    }
}

// What calls take by name: arch_prctl's codes, mmap's and open's flags, ioctl's commands, clocks, AT_FDCWD, sizes
// of structures.
static u64 named(struct program *program)
{
    static const u64 values[] = {
        0x1001,        0x1002,         0x1003,    0x1004,   0x22, 0x32,      0x12,
        0x100022,      0x5401,         0x5413,    7,        5,    3,         0x241,
        0x90800,       -100ul,         8,         16,       24,   144,       PAGE_SIZE,
        2 * PAGE_SIZE, 64 * PAGE_SIZE, 1ul << 30, 0x200000, 12,   0x1000000, 0x80,
    };

    return values[below(program, array_length(values))];
}

u64 nasty_argument(struct program *program)
{
    static const u64 places[] = { DATA + STRINGS, DATA + STRINGS + 15, DATA + STRINGS + 32,
                                  DATA + WORDS,   DATA + WORDS + 128,  DATA + SAFE_STACK - 256 };

    if (program->informed && one_in(program, 6))
        return canary_address() + below(program, PAGE_SIZE);
    switch (below(program, 6)) {
    case 0:
        return below(program, 6);
    case 1:
        return named(program);
    case 2:
    case 3:
        return places[below(program, array_length(places))];
    default:
        return nasty_value(program);
    }
}

u64 nasty_flags(struct program *program)
{
    static const u64 flags[] = { RFLAGS_NT,   RFLAGS_AC, RFLAGS_DF, RFLAGS_RF,
                                 RFLAGS_IOPL, RFLAGS_CF, 1ul << 21, // ID
                                 1ul << 17,   1ul << 19, 1ul << 20, // VM VIF VIP
                                 1ul << 11 };                       // OF
    u64 value = RFLAGS_FIXED | RFLAGS_IF;

    for (size_t i = 0; i < array_length(flags); i++)
        if (one_in(program, 4))
            value |= flags[i];
    if (one_in(program, 8))
        value |= RFLAGS_TF;
    if (one_in(program, 32))
        value ^= random_next(&program->random);
    return value;
}

u16 nasty_selector(struct program *program)
{
    static const u16 selectors[] = {
        0,
        0,
        1,
        2,
        3,
        USER_DS,
        USER_DS,
        USER_DS,
        USER_CS,
        USER32_CS,
        KERNEL_CS,
        KERNEL_DS,
        KERNEL_DS | 3,
        KERNEL_CS | 3,
        TSS_SELECTOR,
        TSS_SELECTOR | 3,
        USER_DS & ~3,
        USER_DS | 4,
        0x53,
        0x63,
        0x6b,
        0x73,
        0x7b,
        0x78,
        0x83,
        0xfffb,
        7,
        0xf,
        0xffff,
    };

    if (one_in(program, 16))
        return (u16)random_next(&program->random);
    return selectors[below(program, array_length(selectors))];
}

#define SYSCALL(number, ...) number,
#define COMPAT(number, ...)  number,

static const u16 numbers[] = {
#include <kernel/syscalls.def>
};
static const u16 numbers_32[] = {
#include <kernel/syscalls32.def>
};

u64 nasty_number(struct program *program, bool compat)
{
    u64 number = below(program, 512);

    if (!one_in(program, 4))
        number = compat ? numbers_32[below(program, array_length(numbers_32))]
                        : numbers[below(program, array_length(numbers))];
    switch (below(program, 24)) {
    case 0:
        return nasty_value(program);
    case 1:
        return number | random_next(&program->random) << 32;
    case 2:
        return number | 1ul << 30; // x32's
    case 3:
        return -number;
    default:
        return number;
    }
}
