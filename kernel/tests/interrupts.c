// The kernel's own tests: what lab 06 is given.

#include <acpi/acpi.h>
#include <apic/io_apic.h>
#include <apic/madt.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/serial.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/memory.h>
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

// Makes the bytes add up to 0 by means of the one at `checksum`.
static void set_checksum(void *structure, size_t size, u8 *checksum)
{
    const u8 *bytes = structure;
    u8 sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    *checksum -= sum;
}

// A table at the beginning of a page, which says that it is `length` bytes long.
static struct acpi_header *make_table(const char *signature, u32 length)
{
    struct acpi_header *table = pages_allocate(1);

    page_clear(table);
    memcpy(table->signature, signature, sizeof(table->signature));
    table->length = length;
    set_checksum(table, PAGE_SIZE, &table->checksum);
    return table;
}

TEST(acpi_wrong)
{
    static const u32 wrong[] = { 0, sizeof(struct acpi_header) - 1, 0xffffffff };
    u64 beyond[] = { 1ul << 52, 1ul << 63, ~0ul - 8 };

    for (unsigned i = 0; i < array_length(wrong); i++) {
        struct acpi_header *table = make_table("TEST", wrong[i]);

        report(!acpi_table_at(direct_map_physical(table), "TEST"), "length 0x%x is refused",
               wrong[i]);
        pages_free(table, 1);
    }
    for (unsigned i = 0; i < array_length(beyond); i++)
        report(!acpi_table_at(beyond[i], "TEST"), "address 0x%lx is refused", beyond[i]);
}

// In the last place of an area where one of the first kind fits; its XSDT is wrong and its RSDT right.
TEST(acpi_rsdp)
{
    enum { AT = PAGE_SIZE - 32 };
    struct acpi_header *table = make_table("RSDT", sizeof(*table));
    char *area = pages_allocate(1);
    struct acpi_rsdp *rsdp = (struct acpi_rsdp *)(area + AT);
    u64 physical = direct_map_physical(area);
    size_t entry_size;

    page_clear(area);
    memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
    rsdp->rsdt = (u32)direct_map_physical(table);
    set_checksum(rsdp, ACPI_RSDP_FIRST_SIZE, &rsdp->checksum);
    report(acpi_rsdp_in(physical, PAGE_SIZE), "an RSDP of 20 bytes, 32 bytes before the end");

    rsdp->revision = 2;
    set_checksum(rsdp, ACPI_RSDP_FIRST_SIZE, &rsdp->checksum);
    report(!acpi_rsdp_in(physical, PAGE_SIZE), "one of 36 bytes does not fit there");

    rsdp = (struct acpi_rsdp *)memcpy(area, rsdp, ACPI_RSDP_FIRST_SIZE);
    rsdp->length = sizeof(*rsdp);
    rsdp->xsdt = direct_map_physical(area);
    set_checksum(rsdp, sizeof(*rsdp), &rsdp->extended_checksum);
    report(acpi_rsdp_in(physical, PAGE_SIZE), "it does at the beginning");
    report(acpi_root(rsdp, &entry_size), "without an XSDT, the RSDT is the list");
    report_count(entry_size, sizeof(u32), "bytes of its entries");
    pages_free(area, 1);
    pages_free(table, 1);
}

enum { CLOSED_LINE = 5, OTHER_INPUT = 6 };

// In the middle of a write to another entry, sooner or later.
static void close_line(struct timer *timer)
{
    interrupt_line_close(CLOSED_LINE);
    timer_start(timer, time_after(100 * MICROSECOND + test_random() % 16384), close_line);
}

TEST(redirection_entries_interrupted)
{
    u64 end = time_after(100 * MILLISECOND);
    struct timer closer;
    unsigned wrong = 0;

    io_apic_write_entry(CLOSED_LINE, IO_APIC_MASKED);
    timer_start(&closer, time_ns(), close_line);
    for (u64 id = 0; time_ns() < end; id++) {
        u64 entry = IO_APIC_MASKED | 0x36 | (id & 0xff) << IO_APIC_DESTINATION;

        io_apic_write_entry(OTHER_INPUT, entry);
        wrong += (io_apic_read_entry(OTHER_INPUT) & ~IO_APIC_READ_ONLY) != entry;
        wrong += (io_apic_read_entry(CLOSED_LINE) & ~IO_APIC_READ_ONLY) != IO_APIC_MASKED;
    }
    timer_stop(&closer);
    io_apic_write_entry(OTHER_INPUT, IO_APIC_MASKED);
    report_count(wrong, 0, "entries that were wrong");
}

static bool handle(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    return true;
}

// Line 0 has come to the input of line 2.
TEST(line_without_input)
{
    report(interrupt_line_exists(0), "line 0 exists");
    report(!interrupt_line_exists(2), "line 2 does not");
    report_error(irq_request_line(2, "test", handle, NULL), -EINVAL, "irq_request_line(2)");
    report_error(irq_request(VECTORS_COUNT, "test", handle, NULL), -EINVAL, "no vector at all");
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

// To the port itself; while that is so, what the kernel prints does not go out.
TEST(received_bytes_kept)
{
    int again, byte = -1;

    serial_flush();
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS | MCR_LOOP);
    serial_receive_start();
    out8(COM1 + UART_DATA, 'x');
    sleep_ns(MILLISECOND);
    again = serial_receive_start();
    byte = serial_receive();
    serial_receive_stop();
    out8(COM1 + UART_MCR, MCR_DTR | MCR_RTS);
    report_error(again, -EBUSY, "serial_receive_start a second time");
    report_equal(byte, 'x', "the byte that had come in before");
}
