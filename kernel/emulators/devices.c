// Rows: the serial port. PC16550D data sheet. What arrives outside is looked at there.

#include <arch/io.h>
#include <arch/local_apic.h>
#include <arch/machine.h>
#include <arch/msr.h>
#include <arch/serial.h>
#include <kernel/emulators/row.h>
#include <kernel/print.h>
#include <serial/uart.h>

#define BURST         300 // bytes; the FIFO takes 16
#define CHARACTER     'U' // 0x55; its low five bits are 0x15
#define MSR_X2APIC_ID 0x802u

ROW(uart_overrun)
{
    print("# burst: ");
    serial_flush();
    for (int i = 0; i < BURST; i++)
        out8(COM1 + UART_DATA, CHARACTER);
    machine_settle();
    print("\n");
}

ROW(uart_temt)
{
    bool empty;

    print("# a byte: ");
    serial_flush();
    out8(COM1 + UART_DATA, CHARACTER);
    empty = in8(COM1 + UART_LSR) & LSR_TEMT;
    print("\n");
    observed(empty ? "set" : "clear");
}

ROW(uart_five_bits)
{
    u8 line = in8(COM1 + UART_LCR);

    print("# five bits: ");
    serial_flush();
    out8(COM1 + UART_LCR, 0);
    for (int i = 0; i < 4; i++)
        out8(COM1 + UART_DATA, CHARACTER);
    serial_flush();
    out8(COM1 + UART_LCR, line);
    print("\n");
}

static u64 read_msr(u64 msr, u64 b)
{
    (void)b;
    return msr_read((u32)msr);
}

ROW(x2apic)
{
    if (!cpu_has_1(CPUID1_X2APIC)) {
        not_there();
        return;
    }
    run(read_msr, give_up, MSR_X2APIC_ID, 0);
    observed("there; %s", name_of(0));
}
