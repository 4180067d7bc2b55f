// The registers of a 16550A UART and their bits. TI PC16550D data sheet, section 8.
#pragma once

#define COM1      0x3f8
#define COM1_LINE 4 // of the ISA bus

// Offsets from the UART's base port. Two registers change places while LCR_DLAB is set.
#define UART_DATA 0 // write: byte to send; read: byte received
#define UART_DLL  0 // with DLAB: divisor, low byte
#define UART_IER  1 // interrupt enable
#define UART_DLM  1 // with DLAB: divisor, high byte
#define UART_FCR  2 // write: FIFO control
#define UART_IIR  2 // read: interrupt identification
#define UART_LCR  3 // line control
#define UART_MCR  4 // modem control
#define UART_LSR  5 // line status

#define IER_RECEIVED (1 << 0) // interrupt when a byte has come in
#define IER_THRE     (1 << 1) // and when there is room for one to send

#define FCR_ENABLE     (1 << 0)
#define FCR_CLEAR_BOTH (3 << 1)
#define IIR_FIFOS      (3 << 6) // both set while the FIFOs are on

#define LCR_8_BITS (3 << 0)
#define LCR_DLAB   (1 << 7)

#define MCR_DTR  (1 << 0)
#define MCR_RTS  (1 << 1)
#define MCR_OUT2 (1 << 3) // a PC lets the UART's interrupts through with it
#define MCR_LOOP (1 << 4) // what is sent comes in again, and nothing goes out

#define LSR_DATA_READY (1 << 0)
#define LSR_THRE       (1 << 5) // transmitter holding register (or its FIFO) empty
#define LSR_TEMT       (1 << 6) // and the shift register behind it too
#define LSR_NO_UART    0xff     // what a port reads as that nobody drives

#define UART_CLOCK 115200 // baud at divisor 1
