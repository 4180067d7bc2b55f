// One hostile program for people: its code, which the host disassembles.

#include <kernel/hostile/hostile.h>
#include <kernel/print.h>

static void print_code(const struct program *program, bool compat, size_t from, size_t to)
{
    print("# code%s 0x%lx", compat ? "32" : "64", CODE + from);
    for (size_t at = from; at < to; at++)
        print(" %02x", program->code[at]);
    print("\n");
}

void program_print(const struct program *program)
{
    for (unsigned i = 0; i < program->steps; i++) {
        const struct step *step = &program->step[i];
        const u64 *frame = (const u64 *)&program->data[FRAMES + i * 5 * 8];

        print("# step %u: its frame at 0x%lx is 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", i,
              DATA + FRAMES + i * 5ul * 8, frame[0], frame[1], frame[2], frame[3], frame[4]);
        print_code(program, false, step->at, step->target);
        print_code(program, step->compat, step->target, step->tail);
    }
}
