// Making a hostile program. It consists of steps. Each gives every register a value, the flags, RSP, SS and
// CS too, and goes to a way into the kernel, another instruction, or random bytes. Who comes back from
// there writes down all registers, and goes on with the next step.

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/segments.h>
#include <kernel/hostile/emit.h>
#include <kernel/hostile/hostile.h>
#include <kernel/string.h>

enum { RAX = 0, RSP = 4, RBP = 5 }; // as instructions number them. SDM vol. 2, table 3-1
enum {
    WAY_BACK = 16,
    SLOT = REGISTERS * 8,
    FRAME = 5 * 8,
    FRAME_FLAGS = 2 * 8,
    ROOM_FOR_STEP = 480
};

static_assert(STEPS_MOST * ROOM_FOR_STEP < PAGE_SIZE, "the code is one page");
static_assert(STEPS_MOST * FRAME <= RETURNS && RETURNS + STEPS_MOST * WAY_BACK <= STRINGS &&
                  DUMPS + STEPS_MOST * SLOT <= DATA_SIZE,
              "the data");

// What a step is to be.
struct plan {
    unsigned number;
    bool door, compat, far; // the target is at an end of memory
    bool i386;              // a call with i386's numbers
    u64 rip, flags, rsp;
    u16 cs, ss;
};

// ---- the way to a step's target --------------------------------------------------------------------

// PUSH 0x202, POPFQ: IRETQ itself is refused while NT is set.
static void clear_flags(struct program *program)
{
    load(program, RSP, DATA + SAFE_STACK);
    PUT(program, 0x68, 0x02, 0x02, 0, 0, 0x9d);
}

// Into ES, SS, DS, FS or GS.
static void load_segment(struct program *program)
{
    static const u8 segments[] = { 0, 2, 3, 3, 4, 4, 5, 5 };

    load(program, RAX, nasty_selector(program));
    PUT(program, 0x8e, (u8)(0xc0 | segments[below(program, array_length(segments))] << 3));
}

// What RBP must be at 32-bit code's fast ways into the kernel, if the program is to go on behind them.
static u64 way_back(unsigned number)
{
    return DATA + RETURNS + number * WAY_BACK;
}

static u64 value_of(struct program *program, const struct plan *plan, unsigned reg)
{
    if (reg == RAX && plan->door)
        return nasty_number(program, plan->i386);
    if (reg == RBP && plan->compat && one_in(program, 2))
        return way_back(plan->number);
    return plan->door ? nasty_argument(program) : nasty_value(program);
}

static void load_registers(struct program *program, const struct plan *plan)
{
    for (unsigned reg = 0; reg < REGISTERS; reg++)
        if (reg != RSP)
            load(program, reg, value_of(program, plan, reg));
}

// All at once by IRETQ, the trap flag and RF too.
static void go_by_iretq(struct program *program, const struct plan *plan, u64 frame)
{
    const u64 values[] = { plan->rip, plan->cs, plan->flags, plan->rsp, plan->ss };

    memcpy(&program->data[frame - DATA], values, sizeof(values));
    load(program, RSP, frame);
    PUT(program, 0x48, 0xcf);
}

// The flags by POPF and RSP by MOV; with the trap flag set, POPF must come last.
static void set_flags(struct program *program, const struct plan *plan, u64 frame)
{
    PUT(program, 0xbc); // MOV ESP, number
    put_32(program, frame + FRAME_FLAGS);
    PUT(program, 0x9d); // POPF
    if (plan->flags & RFLAGS_TF)
        return;
    if (plan->compat) {
        PUT(program, 0xbc);
        put_32(program, plan->rsp);
    } else {
        load(program, RSP, plan->rsp);
    }
}

// To 32-bit code by JMP FAR, elsewhere by JMP.
static void go_by_popf(struct program *program, const struct plan *plan, u64 frame)
{
    const u64 values[] = { plan->rip | (plan->compat ? (u64)plan->cs << 32 : 0), 0, plan->flags };

    memcpy(&program->data[frame - DATA], values, sizeof(values));
    if (plan->far)
        set_flags(program, plan, frame);
    if (plan->far || plan->compat) {
        PUT(program, 0xff, plan->far ? 0x24 : 0x2c, 0x25);
        put_32(program, frame);
    }
}

// ---- the target and what follows it ----------------------------------------------------------------

static void put_target(struct program *program, const struct plan *plan)
{
    const struct piece *piece = piece_choose(program, plan->door, plan->compat);

    if (!plan->door && one_in(program, 2)) {
        put_random(program);
        return;
    }
    put(program, piece->start, piece_size(piece));
    if (one_in(program, 8))
        put_random(program);
}

// An instruction at the end of the code's page, or of ring 3's half: behind it there is nothing.
static u64 at_an_end(struct program *program, const struct piece *piece)
{
    bool code = one_in(program, 2);
    u8 *page = code ? program->code : program->last_page;

    program->has_last_page |= !code;
    memcpy(&page[PAGE_SIZE - piece_size(piece)], piece->start, piece_size(piece));
    return (code ? CODE : LAST_PAGE) + PAGE_SIZE - piece_size(piece);
}

// JMP FAR to 64-bit code.
static void leave_compat(struct program *program)
{
    PUT(program, 0xea);
    put_32(program, CODE + program->length + 6);
    PUT(program, USER_CS, 0);
}

static void put_step(struct program *program, unsigned number)
{
    u64 frame = DATA + FRAMES + number * FRAME, dump = DATA + DUMPS + number * SLOT;
    struct step *step = &program->step[number];
    struct plan plan = {
        .number = number,
        .door = program->caller ? !one_in(program, 16) : one_in(program, 2),
        .compat = one_in(program, 4),
        .i386 = one_in(program, 2),
        .flags = nasty_flags(program),
        .rsp = one_in(program, 2) ? nasty_value(program) : DATA + SAFE_STACK,
        .ss = one_in(program, 32) ? nasty_selector(program) : USER_DS,
    };
    bool by_iretq = !in_qemu && one_in(program, 2);

    plan.cs = plan.compat ? USER32_CS : USER_CS;
    step->at = program->length;
    clear_flags(program);
    if (!program->caller && one_in(program, 4))
        load_segment(program);
    load_registers(program, &plan);
    plan.rip = CODE + program->length + (by_iretq ? 12 : plan.compat ? 7 : 0);
    plan.far = !plan.compat && one_in(program, 12);
    if (plan.far)
        plan.rip = at_an_end(program, piece_choose(program, plan.door, plan.compat));
    if (one_in(program, 64))
        plan.cs = nasty_selector(program);
    (by_iretq ? go_by_iretq : go_by_popf)(program, &plan, frame);
    step->target = program->length;
    if (!by_iretq && !plan.far)
        set_flags(program, &plan, frame);
    put_target(program, &plan);
    if (plan.compat) {
        *(u32 *)&program->data[way_back(number) - DATA + WAY_BACK - sizeof(u32)] =
            (u32)(CODE + program->length);
        leave_compat(program);
    }
    known_note(program, plan.rsp);
    known_note_bytes(program, &program->code[step->target], program->length - step->target);
    step->compat = plan.compat;
    step->tail = program->length;
    for (unsigned reg = 0; reg < REGISTERS; reg++)
        store(program, reg, dump + reg * 8);
}

// ---- the whole -------------------------------------------------------------------------------------

static void fill_data(struct program *program)
{
    static const char strings[] =
        "/proc/self/exe\0/\0.\0..\0/bin/sh\0/dev/null\0/dev/zero\0%s%n\0a\0//../x/../";

    memcpy(&program->data[STRINGS], strings, sizeof(strings));
    for (size_t at = WORDS; at < WORDS_END; at += 8) {
        u64 word = nasty_value(program);

        memcpy(&program->data[at], &word, sizeof(word));
    }
    known_note_bytes(program, &program->data[WORDS], WORDS_END - WORDS);
}

// Makes it empty.
static void clear(struct program *program)
{
    page_clear(program->code);
    page_clear(program->data);
    page_clear(program->data + PAGE_SIZE);
    if (program->has_last_page)
        page_clear(program->last_page);
    program->has_last_page = false;
    program->length = program->known = 0;
}

void program_make(struct program *program, u64 seed)
{
    clear(program);
    program->seed = program->random = seed;
    program->informed = one_in(program, 4);
    program->caller = one_in(program, 2);
    program->steps = 1 + (unsigned)below(program, STEPS_MOST);
    fill_data(program);
    for (unsigned number = 0; number < program->steps; number++)
        put_step(program, number);
    PUT(program, 0xcc); // INT3: it has come through
    known_note_tables(program);
}
