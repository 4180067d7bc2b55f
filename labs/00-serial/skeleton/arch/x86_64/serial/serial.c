// The first serial port, polled. TI PC16550D data sheet, sections 8.1 to 8.8.

#include <arch/hole.h>
#include <arch/io.h>
#include <arch/serial.h>
#include <kernel/init.h>
#include <serial/uart.h>

#define BAUD 115200

void serial_initialise(void)
{
    // LAB 0.1: Divisor behind DLAB, then 8N1; FIFOs on; interrupts off; DTR and RTS up.
    hole("0.1");
}
INIT(INIT_CONSOLE, serial_initialise);

void serial_write(const void *data, size_t size)
{
    // LAB 0.2: Every byte waits for room, however long the UART takes.
    hole("0.2");
}

void serial_flush(void)
{
    // LAB 0.3: Empty means the shift register too, not only the FIFO before it.
    hole("0.3");
}
