// Receiving by interrupts. TI PC16550D data sheet, sections 8.4 "Interrupt Identification Register"
// and 8.6.

#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/serial.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serial/uart.h>

enum { KEPT = 256 }; // bytes; divides 2^32, so that the counters may run over

static const char name[] = "serial";

static volatile u8 kept[KEPT];
static volatile u32 came, taken;
static volatile bool something_came;

// Reading what came in is what lowers the line. More than there is room for is lost.
static bool received(struct pt_regs *regs, void *context)
{
    bool ours = false;

    (void)regs;
    (void)context;
    while (in8(COM1 + UART_LSR) & LSR_DATA_READY) {
        u8 byte = in8(COM1 + UART_DATA);

        if (came - taken < KEPT)
            kept[came++ % KEPT] = byte;
        ours = something_came = true;
    }
    return ours;
}

int serial_receive_start(void)
{
    int error;

    if (in8(COM1 + UART_LSR) == LSR_NO_UART)
        return -EIO; // there a byte would be ready for ever
    error = irq_request_line(COM1_LINE, name, received, NULL);
    if (error)
        return error;
    came = taken = 0; // the UART is still silent
    out8(COM1 + UART_MCR, in8(COM1 + UART_MCR) | MCR_OUT2);
    out8(COM1 + UART_IER, IER_RECEIVED);
    return 0;
}

void serial_receive_stop(void)
{
    out8(COM1 + UART_IER, 0);
    out8(COM1 + UART_MCR, in8(COM1 + UART_MCR) & (u8)~MCR_OUT2);
    irq_release(name);
}

int serial_receive(void)
{
    return taken == came ? -1 : kept[taken++ % KEPT];
}

static void time_is_over(struct timer *timer)
{
    (void)timer;
    something_came = true;
}

void serial_receive_wait(u64 until)
{
    struct timer timer;

    something_came = false; // first: what comes from now on is seen by one of the next two lines
    if (taken != came)
        return;
    timer_start(&timer, until, time_is_over);
    wait_until(&something_came);
    timer_stop(&timer);
}
