// The first serial port, COM1: the kernel's console.
#pragma once

#include <arch/types.h>

// Sets the line to 115200 baud, 8 data bits, no parity, 1 stop bit, FIFOs on, interrupts off.
void serial_initialise(void);

// Sends `size` bytes, whatever they are; waits as long as the UART needs and loses none.
void serial_write(const void *data, size_t size);

// Waits until the last bit of the last byte has left the UART.
void serial_flush(void);

// Takes what comes in by interrupts from now on, and keeps it until it is read. Returns 0, -EBUSY
// if somebody has the port's line (this function, too: what was kept stays), -EIO without a port.
int serial_receive_start(void);

// No more interrupts; what was not read is forgotten.
void serial_receive_stop(void);

// The next byte that has come in, or -1 if there is none.
int serial_receive(void);

// Returns when serial_receive has a byte, or it is `until` by the kernel's clock (kernel/time.h), or for no
// reason. Call with interrupts on.
void serial_receive_wait(u64 until);
