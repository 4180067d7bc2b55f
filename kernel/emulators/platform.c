// Interrupt controllers and timers: just enough to make each raise one interrupt.

#include <arch/io.h>
#include <arch/local_apic.h>
#include <arch/paging.h>
#include <kernel/emulators/platform.h>

#define IO_APIC     0xfec00000ul // 82093AA
#define IO_REDIRECT 0x10
#define PINS        24
#define SOFTWARE_ON (1u << 8) // of the spurious-interrupt register

#define PIC_MASTER 0x20 // 8259A: command, and data behind it
#define PIC_SLAVE  0xa0
#define ICW1_INIT  0x11 // with ICW4 to follow
#define ICW4_8086  0x01
#define ALL_MASKED 0xff
#define CASCADE    2

#define PIT_COUNTER  0x40 // 8254
#define PIT_CONTROL  0x43
#define PIT_ONE_SHOT 0x30 // counter 0, low byte then high, mode 0
#define PIT_PERIODIC 0x34 // mode 2, as firmware leaves it; count 0 is 65536
#define PIT_COUNT    600  // of 1.19 MHz

static u32 spurious_before, lint0_before, lint1_before;

static volatile u32 *io_apic(void)
{
    static volatile u32 *registers;

    if (!registers)
        registers = device_map(IO_APIC, 0x20);
    return registers;
}

static void io_apic_write(unsigned index, u32 value)
{
    io_apic()[0] = index;
    io_apic()[4] = value;
}

static u32 own_id(void)
{
    return local_apic_read(APIC_ID) >> 24;
}

// Both PICs begin anew, so that no request of an earlier row is left in them.
static void pic_begin(u8 mask)
{
    out8(PIC_MASTER, ICW1_INIT);
    out8(PIC_SLAVE, ICW1_INIT);
    out8(PIC_MASTER + 1, PIC_VECTORS);
    out8(PIC_SLAVE + 1, PIC_VECTORS + 8);
    out8(PIC_MASTER + 1, 1 << CASCADE);
    out8(PIC_SLAVE + 1, CASCADE);
    out8(PIC_MASTER + 1, ICW4_8086);
    out8(PIC_SLAVE + 1, ICW4_8086);
    out8(PIC_MASTER + 1, mask);
    out8(PIC_SLAVE + 1, ALL_MASKED);
}

static void pit_write(u8 control, u16 count)
{
    out8(PIT_CONTROL, control);
    out8(PIT_COUNTER, count & 0xff);
    out8(PIT_COUNTER, count >> 8);
}

void platform_quiet(void)
{
    pic_begin(ALL_MASKED);
    for (unsigned pin = 0; pin < PINS; pin++)
        io_apic_write(IO_REDIRECT + 2 * pin, LVT_MASKED);
    spurious_before = local_apic_read(APIC_SPURIOUS);
    lint0_before = local_apic_read(APIC_LVT_LINT0);
    lint1_before = local_apic_read(APIC_LVT_LINT1);
    local_apic_write(APIC_SPURIOUS, SOFTWARE_ON | SPURIOUS_VECTOR);
    local_apic_write(APIC_TASK_PRIORITY, 0);
    local_apic_write(APIC_LVT_TIMER, LVT_MASKED);
    local_apic_write(APIC_LVT_LINT0, LVT_MASKED);
    local_apic_write(APIC_LVT_LINT1, LVT_MASKED);
    local_apic_write(APIC_LVT_ERROR, LVT_MASKED);
}

void platform_put_back(void)
{
    pic_begin(ALL_MASKED);
    for (unsigned pin = 0; pin < PINS; pin++)
        io_apic_write(IO_REDIRECT + 2 * pin, LVT_MASKED);
    local_apic_write(APIC_LVT_TIMER, LVT_MASKED);
    local_apic_write(APIC_LVT_ERROR, LVT_MASKED);
    local_apic_write(APIC_LVT_LINT0, lint0_before);
    local_apic_write(APIC_LVT_LINT1, lint1_before);
    local_apic_write(APIC_SPURIOUS, spurious_before);
    pit_write(PIT_PERIODIC, 0);
}

void send_to_self(u32 mode_and_vector)
{
    local_apic_write(APIC_COMMAND_HIGH, own_id() << 24);
    local_apic_write(APIC_COMMAND_LOW, COMMAND_ASSERT | mode_and_vector);
}

void end_of_interrupt(void)
{
    local_apic_write(APIC_END_OF_INTERRUPT, 0);
}

void pin_to_self(unsigned pin, u32 mode_and_vector)
{
    io_apic_write(IO_REDIRECT + 2 * pin + 1, own_id() << 24);
    io_apic_write(IO_REDIRECT + 2 * pin, mode_and_vector);
}

void pic_open(void)
{
    pic_begin((u8)~1u);
}

void pit_start(void)
{
    pit_write(PIT_ONE_SHOT, PIT_COUNT);
}
