// Every vector caught, so that a row can provoke anything and look at what the CPU did. The table of
// gates is this folder's own: rows see the bare CPU, whatever the kernel's entry code does.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>
#include <arch/vectors.h>
#include <entry/idt.h>

// One exception or interrupt, as it arrived.
struct event {
    struct pt_regs regs; // orig_rax: as the stub left it
    u64 vector;
    u64 code;  // or NO_ERROR_CODE
    u64 frame; // where the CPU began to push: the address behind ss
    u64 flags; // RFLAGS in the handler
    u64 ss;    // in the handler
    u64 dr6;
};

enum { EVENTS_KEPT = 8 };
extern struct event event[EVENTS_KEPT]; // of the run, in the order in which they came
extern unsigned events;                 // how many came, the ones that are not kept included

// What becomes of the code that was interrupted; `regs` may be changed. Called once for each event.
enum after { GIVE_UP, RESUME };
typedef enum after each_event(struct pt_regs *regs, unsigned vector);
each_event give_up, resume; // always the same answer

// Calls code(a, b) with every vector caught and interrupts off, until it returns or an event's answer
// is GIVE_UP. Returns what `code` returned, 0 if it was given up. `code` may leave any flags, and the
// debug registers, as it likes.
u64 run(u64 (*code)(u64 a, u64 b), each_event *each, u64 a, u64 b);

// The gates, filled anew for each row, and the entry of each vector: what a gate leads to.
extern struct gate catch_gates[VECTORS_COUNT];
extern const u64 catch_entries[VECTORS_COUNT];

// An IST stack for rows, and its number.
enum { ROW_IST = 7 };
extern char row_stack_top[];

void catch_prepare(void); // before each row

// Whether the event came, and struck at this address; the words for it, or "".
bool struck(unsigned which, const void *address);
const char *if_struck(unsigned which, const void *address, const char *words);

// `#GP(0x38)`, `NMI`, `vector 0x50`; "none" for an event that did not come. Two at a time.
const char *name_of(unsigned which);
