// Choosing what a step of a hostile program leads to.

#include <kernel/hostile/emit.h>

enum { RANDOM_MOST = 32 }; // bytes

// The opcode of RETF or IRET.
static bool far_return(u8 byte)
{
    return byte == 0xca || byte == 0xcb || byte == 0xcf;
}

static bool vex(u8 byte)
{
    return byte == 0xc4 || byte == 0xc5;
}

static const struct piece *any(struct program *program, const struct piece *list,
                               const struct piece *end)
{
    for (;;) {
        const struct piece *piece = &list[below(program, (u64)(end - list))];

        if (!in_qemu || !far_return(piece->end[-1]))
            return piece;
    }
}

const struct piece *piece_choose(struct program *program, bool door, bool compat)
{
    if (door)
        return compat ? any(program, doors_32, doors_32_end) : any(program, doors_64, doors_64_end);
    return compat ? any(program, others_32, others_32_end) : any(program, others_64, others_64_end);
}

void put_random(struct program *program)
{
    for (u64 left = 1 + below(program, RANDOM_MOST); left;) {
        u8 byte = (u8)random_next(&program->random);

        if (in_qemu && (far_return(byte) || vex(byte)))
            continue;
        PUT(program, byte);
        left--;
    }
}
