// The first serial port, polled. TI PC16550D data sheet, sections 8.1 to 8.8.

#include <arch/hole.h>
#include <arch/io.h>
#include <arch/serial.h>
#include <kernel/init.h>
#include <serial/uart.h>

#define BAUD 115200

void serial_initialise(void)
{
    //@ lab 0.1  Divisor behind DLAB, then 8N1; FIFOs on; interrupts off; DTR and RTS up. {
    out8(COM1 + UART_IER, 0);
    out8(COM1 + UART_LCR, LCR_DLAB);
    out8(COM1 + UART_DLL, UART_CLOCK / BAUD & 0xff);
    out8(COM1 + UART_DLM, UART_CLOCK / BAUD >> 8);
    out8(COM1 + UART_LCR, LCR_8_BITS);
    out8(COM1 + UART_FCR, FCR_ENABLE | FCR_CLEAR_BOTH);
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS);
    //@ } hole("0.1");
}
INIT(INIT_CONSOLE, serial_initialise);

void serial_write(const void *data, size_t size)
{
    //@ lab 0.2  Every byte waits for room, however long the UART takes. {
    const u8 *bytes = data;

    for (size_t i = 0; i < size; i++) {
        while (!(in8(COM1 + UART_LSR) & LSR_THRE))
            continue;
        out8(COM1 + UART_DATA, bytes[i]);
    }
    //@ } hole("0.2");
}

void serial_flush(void)
{
    //@ lab 0.3  Empty means the shift register too, not only the FIFO before it. {
    while (!(in8(COM1 + UART_LSR) & LSR_TEMT))
        continue;
    //@ } hole("0.3");
}
