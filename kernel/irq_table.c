// Who handles which vector.

#include <arch/interrupts.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/print.h>
#include <kernel/string.h>

struct irq irqs[VECTORS_COUNT];

static unsigned vector_of(const struct irq *irq)
{
    return (unsigned)(irq - irqs);
}

static unsigned line_of(const struct irq *irq)
{
    return vector_of(irq) - VECTOR_LINES;
}

static struct irq *named(const char *name)
{
    for (struct irq *irq = irqs; irq != irqs + VECTORS_COUNT; irq++)
        if (irq->handler && !strcmp(irq->name, name))
            return irq;
    return NULL;
}

int irq_request(unsigned vector, const char *name, irq_handler *handler, void *context)
{
    struct irq *irq;
    bool enabled;
    int error = -EBUSY;

    if (vector >= VECTORS_COUNT || vectors[vector].door != DOOR_IRQ)
        return -EINVAL;
    irq = &irqs[vector];
    enabled = interrupts_save();
    if (!irq->handler && !named(name)) {
        irq->name = name;
        irq->context = context;
        irq->unclaimed = 0;
        irq->handler = handler;
        error = 0;
    }
    interrupts_restore(enabled);
    return error;
}

int irq_request_line(unsigned line, const char *name, irq_handler *handler, void *context)
{
    unsigned vector = VECTOR_LINES + line;
    int error;

    if (line >= ISA_LINES || !interrupt_line_exists(line))
        return -EINVAL;
    error = irq_request(vector, name, handler, context);
    if (error)
        return error;
    irqs[vector].has_line = true;
    interrupt_line_open(line, vector);
    return 0;
}

int irq_release(const char *name)
{
    bool enabled = interrupts_save();
    struct irq *irq = named(name);

    if (irq) {
        if (irq->has_line)
            interrupt_line_close(line_of(irq));
        irq->has_line = false;
        irq->handler = NULL;
        irq->reported = false;
    }
    interrupts_restore(enabled);
    return irq ? 0 : -ENOENT;
}

void irq_unexpected(struct irq *irq)
{
    if (irq->reported)
        return;
    irq->reported = true;
    print("# interrupt %u: nobody has registered for it\n", vector_of(irq));
}

void irq_unclaimed(struct irq *irq)
{
    if (++irq->unclaimed != IRQ_STUCK)
        return;
    print("# interrupt %u: nobody cared. %u in a row, and \"%s\" knows of none", vector_of(irq),
          IRQ_STUCK, irq->name);
    if (irq->has_line) {
        interrupt_line_close(line_of(irq));
        print("; line %u is masked", line_of(irq));
    }
    print("\n");
}

void irq_print(void)
{
    print("           CPU0\n");
    for (const struct irq *irq = irqs; irq != irqs + VECTORS_COUNT; irq++) {
        if (!irq->handler && !irq->count)
            continue;
        print("%3u: %10lu   ", vector_of(irq), irq->count);
        if (irq->has_line)
            interrupt_line_print(line_of(irq));
        else
            print("local APIC     ");
        print("  %s\n", irq->handler ? irq->name : "(nobody)");
    }
}
