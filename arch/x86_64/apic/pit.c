// The 8254. Intel 8254 data sheet, "Programming the 8254", "Mode 0: Interrupt on Terminal Count".

#include <apic/pit.h>
#include <arch/io.h>

enum { CHANNELS = 0x40, CONTROL = 0x43, SYSTEM_PORT_B = 0x61 };

enum {
    LATCH = 0 << 4,
    LOW_THEN_HIGH = 3 << 4,
    MODE_0 = 0 << 1,
    CHANNEL_2_RUNS = 1 << 0, // of system port B
    SPEAKER = 1 << 1,
    CHANNEL_2_OUTPUT = 1 << 5,
};

void pit_count_down(enum pit_channel channel, u16 count)
{
    if (channel == PIT_MEASURES)
        out8(SYSTEM_PORT_B, (in8(SYSTEM_PORT_B) & (u8)~SPEAKER) | CHANNEL_2_RUNS);
    out8(CONTROL, (u8)(channel << 6 | LOW_THEN_HIGH | MODE_0));
    out8((u16)(CHANNELS + channel), (u8)count);
    out8((u16)(CHANNELS + channel), (u8)(count >> 8));
}

u16 pit_left(enum pit_channel channel)
{
    u8 low;

    out8(CONTROL, (u8)(channel << 6 | LATCH));
    low = in8((u16)(CHANNELS + channel));
    return (u16)(in8((u16)(CHANNELS + channel)) << 8 | low);
}

bool pit_measured(void)
{
    return in8(SYSTEM_PORT_B) & CHANNEL_2_OUTPUT;
}
