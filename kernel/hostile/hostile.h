// Programs that are made to harm the kernel, many in one boot: `make hostile`. Each is made from its seed
// alone, so that it can be made again. kernel/hostile/hostile.c runs them.
#pragma once

#include <arch/layout.h>
#include <kernel/flat.h>
#include <kernel/random.h>

// Where a program has what. All of it lies below 4 GiB but for its last page.
#define CODE       FLAT_CODE               // to read and execute; behind it is nothing
#define DATA       FLAT_DATA               // to read and write; behind it is nothing
#define READ_ONLY  0x600000ul              // a page of zeroes,
#define FORBIDDEN  (READ_ONLY + PAGE_SIZE) // and behind it one that may not be touched at all
#define LAST_PAGE  (USER_END - PAGE_SIZE)  // code in the last page of ring 3's half
#define STACK      FLAT_STACK
#define STACK_MOST (64 * PAGE_SIZE)

// In DATA.
enum {
    FRAMES = 0,      // what each step takes its flags, RSP, SS and CS from
    RETURNS = 0x400, // stacks for the way back from SYSENTER and 32-bit SYSCALL, for each step
    STRINGS = 0x600, // paths and the like
    WORDS = 0x800,   // what system calls take for their structures
    WORDS_END = 0x900,
    SAFE_STACK = 0xf00, // in the page of the frames, so that this is there when IRETQ reads it
    DUMPS = 0x1000,     // the registers behind each step
    DATA_SIZE = 0x2000,
};

enum { STEPS_MOST = 8, REGISTERS = 16 };

struct program {
    u8 code[PAGE_SIZE], data[DATA_SIZE], last_page[PAGE_SIZE]; // first: they are aligned to pages
    u64 seed, random;
    size_t length; // of the code, from its start
    bool has_last_page;
    unsigned steps;
    struct step {
        size_t at, target,
            tail;    // offsets in the code: of the step, what it leads to, what follows that
        bool compat; // from the target to the tail it is 32-bit code
    } step[STEPS_MOST];
    bool informed;  // it is given addresses of the kernel's
    bool caller;    // of system calls above all
    unsigned known; // a bit for each range (leaks.c) that it was given addresses of
} aligned_to(PAGE_SIZE);

// ---- program.c, values.c: making -------------------------------------------------------------------

// The program that belongs to the seed.
void program_make(struct program *program, u64 seed);

// A process with it. Memory that is out is a panic. load.c
struct task *program_load(struct program *program);

// In QEMU, which programs must not use to get around the kernel, or end: it reads the stack of a far return
// or an IRETQ as ring 0, the kernel's memory too (docs/emulators.md, far-return-kernel), and dies of some
// instructions with a VEX prefix.
extern bool in_qemu;

// Prints its code, so that the host can disassemble it. show.c
void program_print(const struct program *program);

// memcmp and memcpy, by words: there is much to compare. Multiples of 8.
static inline bool same_words(const void *a, const void *b, size_t size)
{
    for (size_t i = 0; i < size / sizeof(u64); i++)
        if (((const u64 *)a)[i] != ((const u64 *)b)[i])
            return false;
    return true;
}

static inline void copy_words(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(u64); i++)
        ((u64 *)to)[i] = ((const u64 *)from)[i];
}

// A number below `limit`; whether a die with `sides` shows a 1.
static inline u64 below(struct program *program, u64 limit)
{
    return random_next(&program->random) % limit;
}

static inline bool one_in(struct program *program, u64 sides)
{
    return below(program, sides) == 0;
}

// Values that the kernel might not expect: of a register, the flags, a selector, a system call's number.
u64 nasty_value(struct program *program);
u64 nasty_argument(struct program *program); // more often one that a call would take
u64 nasty_flags(struct program *program);
u16 nasty_selector(struct program *program);
u64 nasty_number(struct program *program, bool compat);

// ---- pieces.asm: instructions ----------------------------------------------------------------------

struct piece {
    const u8 *start, *end;
};

// Ways into the kernel with a number and arguments, and instructions that are not for ring 3 or have a
// way of going wrong; each for 64-bit and for 32-bit code.
extern const struct piece doors_64[], doors_64_end[], doors_32[], doors_32_end[];
extern const struct piece others_64[], others_64_end[], others_32[], others_32_end[];

static inline size_t piece_size(const struct piece *piece)
{
    return (size_t)(piece->end - piece->start);
}

// One of them, and some random bytes behind the code. choose.c
const struct piece *piece_choose(struct program *program, bool door, bool compat);
void put_random(struct program *program);

// ---- leaks.c ---------------------------------------------------------------------------------------

// The program is given this value, or these bytes, or can ask the CPU where its tables are. From what it has
// of the kernel's it may compute more, so that in the same range nothing is a leak.
void known_note(struct program *program, u64 value);
void known_note_bytes(struct program *program, const u8 *bytes, size_t count);
void known_note_tables(struct program *program);

// Whether `value` is an address of the kernel's that the program cannot know.
bool leaks(const struct program *program, u64 value);

// The first one in the registers, or in the program's memory; 0 if there is none.
u64 leak_in_registers(const struct program *program, const struct pt_regs *regs);
u64 leak_in_memory(const struct program *program, struct address_space *space);

// ---- budget.c --------------------------------------------------------------------------------------

// Measures how fast instructions run.
void budget_prepare(void);

// The task's program may run so many instructions from now on; then it ends, by the timer's vector.
void budget_start(u64 instructions);
void budget_stop(void);

// ---- calls.c ---------------------------------------------------------------------------------------

// From now on is told of every system call. `tell`: prints it.
void calls_prepare(bool tell);

// Prints how many there were.
void calls_print(void);

// ---- watch.c ---------------------------------------------------------------------------------------

// From now on looks at what every exception and interrupt leaves in a program's registers.
void watch_prepare(void);

// What runs next is this program; NULL: none of these. `tell`: prints what happens to it.
void watch_program(const struct program *program, bool tell);

// Whether it is one of these.
bool watching(void);

// The first leak that was seen since; 0 if there was none.
u64 watch_leak(void);

// ---- said.c ----------------------------------------------------------------------------------------

// A print_writer (kernel/print.h).
void said_keep(const void *text, size_t size);
void said_forget(void);

// What was kept and is not how a program ends; NULL if that is all.
const char *said_unexpectedly(void);

// ---- flags.c ---------------------------------------------------------------------------------------

// To be called in the kernel, when a program has come there: notes flags of the program's that are still set.
void flags_look(void);

// Those that were found since it was asked last; 0: none.
u64 flags_found_unclean(void);

// ---- honest.c --------------------------------------------------------------------------------------

// Programs that do nothing wrong, and what they find: `complaint` names it. One lives as long as the
// kernel, the others begin anew each time.
void honest_prepare(void);
bool honest_goes_on(const char **complaint);
bool honest_begins(const char **complaint);

// ---- canary.c --------------------------------------------------------------------------------------

// Memory of the kernel's that programs are given the address of, and that nothing may write to.
void canary_prepare(void);
u64 canary_address(void);
bool canary_lives(void);

// ---- state.c ---------------------------------------------------------------------------------------

// What no program may change in the CPU and in its tables. The IDT is long: only `whole` looks at it.
void state_note(void);
bool state_same(bool whole, const char **changed);
