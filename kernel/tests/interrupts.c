// The kernel's own tests: what lab 06 is given.

#include <acpi/acpi.h>
#include <apic/madt.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/serial.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <serial/uart.h>

TEST(acpi)
{
    const struct acpi_header *madt = acpi_table("APIC");
    static u8 copy[1024];
    size_t at;

    report(madt, "the firmware has a MADT");
    if (!madt || madt->length > sizeof(copy))
        return;
    report(acpi_sum_right(madt, madt->length), "its checksum is right");
    at = test_random() % madt->length;
    memcpy(copy, madt, madt->length);
    copy[at]++;
    report(!acpi_sum_right(copy, madt->length), "its checksum is wrong with byte %zu changed", at);
    report(!acpi_table("NONE"), "a table that does not exist is not found");
    report(madt_override(0) && madt_override(0)->input == 2, "line 0 goes to input 2");
    report(!madt_override(4), "line 4 goes where it always did");
}

// What is printed while the port sends to itself comes in again.
static char printed[4096];
static unsigned printed_length;

static bool receive(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    while (in8(COM1 + UART_LSR) & LSR_DATA_READY)
        printed[printed_length++ % sizeof(printed)] = (char)in8(COM1 + UART_DATA);
    return true;
}

static bool was_printed(const char *text)
{
    for (const char *at = printed; *at; at++)
        if (!strncmp(at, text, strlen(text)))
            return true;
    return false;
}

TEST(interrupts_printed)
{
    serial_flush();
    irqs[VECTOR_TIMER].count = 1234567;
    report_equal(irq_request_line(COM1_LINE, "reader", receive, NULL), 0, "irq_request_line");
    report_equal(serial_receive_start(), -EBUSY, "serial_receive_start, with the line taken");
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2 | MCR_LOOP);
    out8(COM1 + UART_IER, IER_RECEIVED);
    irq_print();
    serial_flush();
    out8(COM1 + UART_IER, 0);
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS);
    irq_release("reader");
    report(was_printed("           CPU0\n"), "a heading");
    report(was_printed("\n239:    1234567   local APIC       timer\n"), "a line for the timer");
    report(was_printed("IO-APIC  4-edge   reader\n"), "a line for the line of the serial port");
}
