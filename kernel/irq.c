// Where every interrupt arrives.

#include <arch/hole.h>
#include <arch/interrupts.h>
#include <kernel/irq.h>
#include <kernel/traps.h>

void do_irq(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct irq *irq = &irqs[vector];

    (void)error_code; // an interrupt has none
    //@ lab 6.4  Every interrupt is counted and ended, whether or not somebody handles it; and ended
    //@          after it was handled, or the next one of its kind would come in between. {
    irq_handler *handler = irq->handler; // once: who releases it may do so meanwhile

    irq->count++;
    if (!handler)
        irq_unexpected(irq);
    else if (handler(regs, irq->context))
        irq->unclaimed = 0;
    else
        irq_unclaimed(irq);
    interrupt_end(vector);
    //@ } hole("6.4");
}
