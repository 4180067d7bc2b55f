// The first serial port, polled. TI PC16550D data sheet, sections 8.1 to 8.8.

#include <arch/hole.h>
#include <arch/io.h>
#include <arch/serial.h>
#include <kernel/init.h>
#include <serial/uart.h>

#define BAUD 115200

/* My helpers. A register of the UART is a port next to COM1. */
enum { FIFO_DEPTH = 16 };

struct setting {
    u8 offset, value;
};

static u8 line_status(void)
{
    return in8((u16)(COM1 + UART_LSR));
}

static bool all_set(u8 bits)
{
    return (line_status() & bits) == bits;
}

void serial_initialise(void)
{
    // LAB 0.1: Divisor behind DLAB, then 8N1; FIFOs on; interrupts off; DTR and RTS up.
    static const u16 divisor = UART_CLOCK / BAUD;
    const struct setting settings[] = {
        { UART_LCR, LCR_DLAB | LCR_8_BITS },
        { UART_DLM, divisor / 256 },
        { UART_DLL, divisor % 256 },
        { UART_LCR, LCR_8_BITS },
        { UART_IER, 0 },
        { UART_MCR, MCR_RTS | MCR_DTR },
        { UART_FCR, FCR_CLEAR_BOTH | FCR_ENABLE },
    };

    for (size_t i = 0; i < array_length(settings); i++)
        out8((u16)(COM1 + settings[i].offset), settings[i].value);
    // the FIFOs come last: nothing has been sent so far
}
INIT(INIT_CONSOLE, serial_initialise);

// THRE means that the whole FIFO is empty, so a full load of it may follow without another look.
static size_t send_burst(const char *from, size_t left)
{
    size_t count = left < FIFO_DEPTH ? left : FIFO_DEPTH;

    for (size_t i = 0; i != count; ++i)
        out8(COM1 + UART_DATA, (u8)from[i]);
    return count;
}

void serial_write(const void *data, size_t size)
{
    // LAB 0.2: Every byte waits for room, however long the UART takes.
    const char *at = data;
    const char *end = at + size;

    while (at != end) {
        if (!all_set(LSR_THRE))
            continue; // still sending
        at += send_burst(at, (size_t)(end - at));
    }
}

void serial_flush(void)
{
    // LAB 0.3: Empty means the shift register too, not only the FIFO before it.
    bool empty;

    do {
        empty = all_set(LSR_THRE | LSR_TEMT);
    } while (!empty);
}
