// Rows: interrupts. SDM vol. 3, chapter 11; 82093AA (I/O APIC); 8259A; IA-PC HPET 1.0a.

#include <arch/io.h>
#include <arch/local_apic.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/serial.h>
#include <kernel/emulators/platform.h>
#include <kernel/emulators/row.h>
#include <serial/uart.h>

#define HIGHEST_CLASS    15
#define DIVIDE_BY_1      0xbu
#define TIMER_COUNT      10000
#define ILLEGAL_VECTOR   5u
#define MSR_TSC_DEADLINE 0x6e0u
#define PIT_PIN          2
#define UART_PIN         4
#define PIN_LEVEL        (1 << 15)
#define LEVEL_ENOUGH     3

#define HPET             0xfed00000ul
#define HPET_PERIOD      1 // words of 32 bits
#define HPET_CONFIG      4
#define HPET_COUNTER     60
#define HPET_TIMER       64
#define HPET_COMPARE     66
#define HPET_ON_AS_PIT   3u // ENABLE_CNF, LEG_RT_CNF
#define TIMER_INTERRUPTS 4u // INT_ENB_CNF
#define HPET_DELAY       20000

typedef u64 code(u64 a, u64 b);
code sti_nop;
extern const char sti_nop_nop[], sti_nop_behind[];

static enum after acknowledge(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    if (vector >= PIC_VECTORS && vector < PIC_VECTORS + 8)
        out8(0x20, 0x20);
    else if (vector >= 32 && vector != SPURIOUS_VECTOR)
        end_of_interrupt();
    return RESUME;
}

static void observe_count(void)
{
    observed(events == 1 ? "once" : events ? "%u times" : "none", events);
}

ROW(sti_shadow)
{
    platform_quiet();
    send_to_self(MODE_FIXED | ROW_VECTOR);
    run(sti_nop, acknowledge, 0, 0);
    platform_put_back();
    observed(!events                     ? "none"
             : struck(0, sti_nop_behind) ? "behind the NOP"
             : struck(0, sti_nop_nop)    ? "before the NOP"
                                         : "later");
}

static void write_cr8(u64 class)
{
    asm volatile("mov cr8, %0" ::"r"(class));
}

ROW(cr8)
{
    unsigned held;

    platform_quiet();
    write_cr8(ROW_VECTOR >> 4);
    send_to_self(MODE_FIXED | ROW_VECTOR);
    run(wait_with_interrupts, acknowledge, 0, 0);
    held = events;
    write_cr8((ROW_VECTOR >> 4) - 1);
    run(wait_with_interrupts, acknowledge, 0, 0);
    write_cr8(0);
    platform_put_back();
    observed("%s, then %s", held ? "comes" : "waits", events ? "comes" : "none");
}

// The request has reached the CPU already when the priority rises.
ROW(priority_too_late)
{
    platform_quiet();
    send_to_self(MODE_FIXED | ROW_VECTOR);
    write_cr8(HIGHEST_CLASS);
    run(wait_with_interrupts, acknowledge, 0, 0);
    write_cr8(0);
    observed(!events                              ? "none"
             : event[0].vector == SPURIOUS_VECTOR ? "the spurious vector"
                                                  : "vector 0x%lx",
             event[0].vector);
    run(wait_with_interrupts, acknowledge, 0, 0);
    platform_put_back();
}

ROW(apic_timer)
{
    platform_quiet();
    local_apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    local_apic_write(APIC_LVT_TIMER, ROW_VECTOR);
    local_apic_write(APIC_TIMER_INITIAL, TIMER_COUNT);
    run(wait_with_interrupts, acknowledge, 0, 0);
    local_apic_write(APIC_TIMER_INITIAL, 0);
    platform_put_back();
    observe_count();
}

ROW(tsc_deadline)
{
    u64 low, high;

    if (!cpu_has_1(CPUID1_DEADLINE)) {
        not_there();
        return;
    }
    platform_quiet();
    local_apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | ROW_VECTOR);
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    msr_write(MSR_TSC_DEADLINE, (high << 32 | low) + TIMER_COUNT);
    run(wait_with_interrupts, acknowledge, 0, 0);
    platform_put_back();
    observe_count();
}

ROW(apic_illegal_vector)
{
    bool delivered = false, told = false;
    u32 status;

    platform_quiet();
    local_apic_write(APIC_ERROR_STATUS, 0);
    local_apic_write(APIC_LVT_ERROR, ERROR_VECTOR);
    send_to_self(MODE_FIXED | ILLEGAL_VECTOR);
    run(wait_with_interrupts, acknowledge, 0, 0);
    local_apic_write(APIC_ERROR_STATUS, 0); // a write makes the register show what came since
    status = local_apic_read(APIC_ERROR_STATUS);
    end_of_interrupt(); // of vector 5, if that is in service
    local_apic_write(APIC_ERROR_STATUS, 0);
    platform_put_back();
    for (unsigned i = 0; i < events && i < EVENTS_KEPT; i++) {
        delivered |= event[i].vector == ILLEGAL_VECTOR;
        told |= event[i].vector == ERROR_VECTOR;
    }
    observed("%s, ESR 0x%x, %s", delivered ? "delivered" : "not delivered", status,
             told ? "error interrupt" : "no error interrupt");
}

static void pit_at_pin(unsigned pin)
{
    platform_quiet();
    pin_to_self(pin, MODE_FIXED | ROW_VECTOR);
    pit_start();
    run(wait_with_interrupts, acknowledge, 0, 0);
    platform_put_back();
    observed(events ? "comes" : "none");
}

ROW(pit_pin_2)
{
    pit_at_pin(PIT_PIN);
}

ROW(pit_pin_0)
{
    pit_at_pin(0);
}

ROW(pic_extint)
{
    platform_quiet();
    pic_open();
    local_apic_write(APIC_LVT_LINT0, MODE_EXTINT);
    pit_start();
    run(wait_with_interrupts, acknowledge, 0, 0);
    platform_put_back();
    observed(!events                          ? "none"
             : event[0].vector == PIC_VECTORS ? "comes with the PIC's vector"
                                              : "comes with vector 0x%lx",
             event[0].vector);
}

ROW(uart_interrupt)
{
    u8 modem = in8(COM1 + UART_MCR);

    serial_flush();
    platform_quiet();
    pin_to_self(UART_PIN, MODE_FIXED | ROW_VECTOR);
    out8(COM1 + UART_MCR, modem | MCR_OUT2);
    out8(COM1 + UART_IER, IER_THRE);
    run(wait_with_interrupts, acknowledge, 0, 0);
    out8(COM1 + UART_IER, 0);
    out8(COM1 + UART_MCR, modem);
    in8(COM1 + UART_IIR);
    platform_put_back();
    observed(events ? "comes" : "none");
}

// The device is never looked at, so it holds its line.
static enum after end_and_leave_up(struct pt_regs *regs, unsigned vector)
{
    if (events >= LEVEL_ENOUGH)
        pin_to_self(UART_PIN, LVT_MASKED);
    return acknowledge(regs, vector);
}

ROW(level_held)
{
    u8 modem = in8(COM1 + UART_MCR);

    serial_flush();
    platform_quiet();
    pin_to_self(UART_PIN, PIN_LEVEL | MODE_FIXED | ROW_VECTOR);
    out8(COM1 + UART_MCR, modem | MCR_OUT2);
    out8(COM1 + UART_IER, IER_THRE);
    run(wait_with_interrupts, end_and_leave_up, 0, 0);
    out8(COM1 + UART_IER, 0);
    out8(COM1 + UART_MCR, modem);
    in8(COM1 + UART_IIR);
    platform_put_back();
    observed(events >= LEVEL_ENOUGH ? "again" : events ? "once" : "none");
}

ROW(hpet)
{
    volatile u32 *hpet = device_map(HPET, 0x400);

    if (hpet[HPET_PERIOD] == 0 || hpet[HPET_PERIOD] == ~0u) {
        not_there();
        return;
    }
    platform_quiet();
    pin_to_self(PIT_PIN, MODE_FIXED | ROW_VECTOR);
    hpet[HPET_TIMER] = TIMER_INTERRUPTS;
    hpet[HPET_COMPARE] = hpet[HPET_COUNTER] + HPET_DELAY;
    hpet[HPET_COMPARE + 1] = 0;
    hpet[HPET_CONFIG] = HPET_ON_AS_PIT;
    run(wait_with_interrupts, acknowledge, 0, 0);
    hpet[HPET_CONFIG] = 0;
    hpet[HPET_TIMER] = 0;
    platform_put_back();
    observe_count();
}
