// The sweep: a program goes through a door, round after round, and somebody outside strikes it with an NMI, a #DB
// or an #MC at an instruction of the door's; then everything must be as it is without. grading/gatehouse/sweep.py
// is outside, and says what it does to each round.
#pragma once

#include <arch/layout.h>
#include <arch/regs.h>
#include <arch/types.h>
#include <arch/vectors.h>

// ---- what goes between inside and outside ---------------------------------------------------------

enum { SWEEP_END = 0xffff }; // a door's number: no more rounds

// Written from outside before a round.
struct sweep_order {
    u32 breakpoint; // lower half of an address of the kernel's: #DB there; 0: none
    u16 door;       // number in the table of doors
    u16 nth;        // at the breakpoint's nth execution in this round, from 1
};
static_assert(sizeof(struct sweep_order) == sizeof(u64), "written as one number");

// Read from outside behind it.
struct sweep_verdict {
    u32 wrong;                         // bits of enum sweep_wrong; 0: nobody noticed the event
    u8 nmis, debugs, machine_checks;   // handled
    u8 inner;                          // exceptions that the handlers of NMIs took
    u32 nmi_rip, debug_rip, check_rip; // lower halves: what the last one of each has interrupted
    u32 reserved;
};
static_assert(sizeof(struct sweep_verdict) == 3 * sizeof(u64), "read as three numbers");

enum sweep_wrong {
    WRONG_REGISTER = 1 << 0, // a register, flag or selector of the program's, or a result
    WRONG_GS = 1 << 1,       // GS bases behind the door
    WRONG_STATE = 1 << 2,    // something else that must not change
    WRONG_NMI_LEFT = 1 << 3, // NMIs are blocked behind it, or one comes late
    WRONG_HANDLER_GS = 1 << 4,
    WRONG_HANDLER_STACK = 1 << 5,
    WRONG_HANDLER_FLAGS = 1 << 6,
    WRONG_BASELINE = 1 << 7, // the door without an event is not what it should be
};

extern volatile struct sweep_order sweep_order;
extern volatile struct sweep_verdict sweep_verdict;

// Says what is wrong, to whoever reads the serial port, and notes it in the verdict.
void sweep_wrong(enum sweep_wrong what, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- running a program: control.asm ----------------------------------------------------------------

// All that a program has in the CPU.
struct sweep_state {
    struct pt_regs regs; // orig_rax means nothing
    u64 gs_base, kernel_gs_base;
    u64 ds, es, fs, gs;
};

enum { VECTOR_STOP = 0x7f }; // the way back, from ring 0 and 3, from 64-bit and from 32-bit code

// Begins a program with these registers, in the ring that its CS says, and notes in *end what it has when it
// comes to INT VECTOR_STOP. Nothing of it is done by the doors that are swept: a gate and a stack of its own.
void sweep_run(const struct pt_regs *begin, struct sweep_state *end);
void sweep_stop(void);

// Where the outside stops the machine: between two rounds, and before the first instruction of a program.
void sweep_ready(void);
void sweep_clear_debug(void);
extern const char sweep_begin[];

// ---- doors: doors.c --------------------------------------------------------------------------------

struct sweep_door {
    const char *name;
    u16 cs;             // of its program
    const char *start;  // the program: for ring 3, where its bytes are in the kernel
    u64 rflags;         // besides those that every program has
    unsigned skip;      // bytes of the instruction that faults; its handler goes on behind it
    bool foreseen;      // its exception is in the exception table
    bool refused;       // its handler returns by what IRETQ will not have
    const char *strike; // by what it is entered, if only the outside can: "nmi", "mce"
    void (*prepare)(struct pt_regs *regs); // before each round; may be NULL
    bool (*exists)(void);                  // NULL: always
};

// What the programs of the doors are about: a page of ring 0's that comes on demand, and an interrupt's vector that
// nobody has. All programs of ring 3 lie behind one another, from sweep_programs on.
#define SWEEP_PAGE REGIONS_BASE
enum { VECTOR_SWEEP = 0x61 };
extern const char sweep_programs[];

extern const struct sweep_door sweep_doors[];
extern const size_t sweep_doors_count;

// Whether this CPU has the door.
bool sweep_door_exists(const struct sweep_door *door);

// The task whose program runs, a table of what its regs are at the beginning, and handlers for all exceptions that
// doors raise.
extern struct task *sweep_task;
extern u64 *const sweep_stack_used,
    *const sweep_stack_end;                    // what ring 0's programs have on their stack
extern const struct sweep_door *sweep_current; // the door of this round
void sweep_prepare(void);
void sweep_begin_with(const struct sweep_door *door, struct pt_regs *regs);

// ---- events: events.c ------------------------------------------------------------------------------

// Handlers of NMI, #DB and #MC. begin: counts anew, with the order's breakpoint. end: into the verdict; then sends
// an NMI, to see that it comes and comes once.
void events_prepare(void);
void events_begin(void);
void events_end(void);

// ---- what must not change: unchanged.c -------------------------------------------------------------

// Notes it; and compares it with what was noted.
void unchanged_note(void);
void unchanged_check(void);
