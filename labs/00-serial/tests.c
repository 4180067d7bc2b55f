// Lab 00: does every byte arrive? The grader knows the bytes of the data and compares them.

#include <arch/io.h>
#include <arch/machine.h>
#include <arch/serial.h>
#include <kernel/cmdline.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <kernel/test.h>
#include <serial/uart.h>

// Longer than any FIFO; and twice a FIFO at 100 baud, which takes more patience than a retry count.
enum { LONG = 4096, SLOW = 32, SLOW_DIVISOR = 1152, SPOILT_DIVISOR = 0x0203 };

static u8 data[LONG];

static u64 nonce_value(void)
{
    u64 value = 0;

    for (const char *c = cmdline.nonce; *c; c++)
        value = value << 4 | (u64)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
    return value;
}

// The bytes are little-endian words of splitmix64, seeded with seed xor nonce.
static void fill(size_t size)
{
    u64 state = cmdline.seed ^ nonce_value();

    for (size_t i = 0; i < size; i += sizeof(u64)) {
        u64 word = random_next(&state);
        for (size_t byte = 0; byte < sizeof(u64); byte++)
            data[i + byte] = (u8)(word >> 8 * byte);
    }
}

static void set_divisor(unsigned divisor)
{
    u8 line = in8(COM1 + UART_LCR);

    out8(COM1 + UART_LCR, line | LCR_DLAB);
    out8(COM1 + UART_DLL, divisor & 0xff);
    out8(COM1 + UART_DLM, divisor >> 8 & 0xff);
    out8(COM1 + UART_LCR, line);
}

static unsigned divisor(void)
{
    u8 line = in8(COM1 + UART_LCR);
    unsigned value;

    out8(COM1 + UART_LCR, line | LCR_DLAB);
    value = in8(COM1 + UART_DLL) | (unsigned)in8(COM1 + UART_DLM) << 8;
    out8(COM1 + UART_LCR, line);
    return value;
}

// A line that something else has used: 7 bits, even parity, interrupts on, no FIFOs, another speed.
static void spoil(void)
{
    machine_settle();
    out8(COM1 + UART_IER, 0x0f);
    out8(COM1 + UART_FCR, 0);
    out8(COM1 + UART_MCR, 0);
    out8(COM1 + UART_LCR, 0x1a);
    set_divisor(SPOILT_DIVISOR);
}

TEST(line_settings)
{
    unsigned speed;
    u8 interrupts;

    spoil();
    serial_initialise();
    speed = divisor();
    interrupts = in8(COM1 + UART_IER);
    set_divisor(1); // for the report, and for the tests that follow
    out8(COM1 + UART_IER, 0);
    print("\n"); // a divisor that met the data register has been sent as bytes
    report_equal(in8(COM1 + UART_LCR), LCR_8_BITS, "LCR: 8 bits, no parity, 1 stop bit, DLAB off");
    report_equal(speed, 1, "divisor, DLM:DLL, for 115200 baud");
    report_equal(in8(COM1 + UART_IIR) & IIR_FIFOS, IIR_FIFOS, "IIR bits 7:6, FIFOs on");
    report_equal(interrupts, 0, "IER, interrupts off");
    report_equal(in8(COM1 + UART_MCR) & (MCR_DTR | MCR_RTS), MCR_DTR | MCR_RTS, "MCR, DTR and RTS");
}

TEST(long_output)
{
    fill(LONG);
    print("# data long_output %d\n", LONG);
    serial_write(data, LONG);
    print("\n# data end long_output\n");
}

TEST(slow_line)
{
    fill(SLOW);
    print("# data slow_line %d\n", SLOW);
    serial_flush(); // a byte on the line would be cut by the new speed
    set_divisor(SLOW_DIVISOR);
    serial_write(data, SLOW);
    serial_flush();
    set_divisor(1);
    print("\n# data end slow_line\n");
}

TEST(flush)
{
    u8 status;

    serial_write("# a line for the UART to be busy with\n", 38);
    serial_flush();
    status = in8(COM1 + UART_LSR);
    report_equal(status & LSR_TEMT, LSR_TEMT, "LSR after serial_flush: TEMT, everything has left");
}
