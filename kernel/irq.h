// Interrupts that reach C: who handles which vector, and how often it came.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>
#include <arch/vectors.h>

// Handles one interrupt, with interrupts off; returns whether its device had asked for it. A handler
// that takes long may turn interrupts on, and off again before it returns: those of a higher
// priority then come in between.
typedef bool irq_handler(struct pt_regs *regs, void *context);

struct irq {
    irq_handler *handler; // NULL: nobody has registered
    void *context;
    u64 count;          // since the machine started, registered or not
    unsigned unclaimed; // in a row, that the handler did not know of
    bool reported;      // that nobody has registered
    bool has_line;      // an ISA line leads to it
    const char *name;
};

enum { IRQ_STUCK = 1000 }; // so many in a row that the handler did not know of: see irq_unclaimed

extern struct irq irqs[VECTORS_COUNT];

// Gives `vector` to `handler`, under a name that is told to people and gives it back. Returns 0,
// -EBUSY if the vector or the name is taken, -EINVAL for a vector that is no interrupt's.
int irq_request(unsigned vector, const char *name, irq_handler *handler, void *context);

// The same for an ISA line, 0 to 15, on the vector that belongs to it; and opens the line. -EINVAL if
// no device can have it.
int irq_request_line(unsigned line, const char *name, irq_handler *handler, void *context);

// Takes the vector back from who has it under this name, its line masked first; an interrupt that is
// on its way still comes, and nobody has registered for it any more. Returns 0, or -ENOENT if nobody
// has the name.
int irq_release(const char *name);

// Prints a line for each vector that is registered or has come, as Linux's /proc/interrupts does.
void irq_print(void);

// For do_irq. Nobody has registered for the vector: says so, once for each.
void irq_unexpected(struct irq *irq);

// For do_irq. The handler did not know of the interrupt. IRQ_STUCK of them in a row: says that nobody
// cared, and masks the line if one leads to the vector, because a device that holds it would leave the
// CPU no other work.
void irq_unclaimed(struct irq *irq);
