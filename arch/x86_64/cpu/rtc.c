// The battery's clock, which knows the date: MC146818A data sheet, "Time, calendar, and alarm locations" and
// registers A and B. Its registers are reached through an index and a data port.

#include <arch/clock.h>
#include <arch/io.h>

enum { RTC_INDEX = 0x70, RTC_DATA = 0x71 };
enum rtc {
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 10,
    STATUS_B
};
enum { A_UPDATING = 1 << 7, B_24_HOURS = 1 << 1, B_BINARY = 1 << 2, HOURS_PM = 1 << 7 };
enum { TURNS = 1 << 20, SECONDS_PER_DAY = 86400 };

struct date {
    u8 second, minute, hour, day, month, year;
};

static u8 rtc_read(enum rtc which)
{
    out8(RTC_INDEX, (u8)which);
    return in8(RTC_DATA);
}

static bool same(const struct date *a, const struct date *b)
{
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->year == b->year;
}

static struct date read_fields(void)
{
    return (struct date){
        rtc_read(SECONDS), rtc_read(MINUTES), rtc_read(HOURS),
        rtc_read(DAY),     rtc_read(MONTH),   rtc_read(YEAR),
    };
}

// Between two updates, so twice the same; a clock that is not there looks so at once.
static struct date read_date(void)
{
    struct date before, now = read_fields();
    unsigned turns = TURNS;

    do {
        while (rtc_read(STATUS_A) & A_UPDATING && --turns)
            continue;
        before = now;
        now = read_fields();
    } while (!same(&before, &now) && --turns);
    return now;
}

static unsigned binary(u8 value, u8 format)
{
    return format & B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static unsigned hours(u8 value, u8 format)
{
    unsigned hour = binary(value & (u8)~HOURS_PM, format);

    if (format & B_24_HOURS)
        return binary(value, format);
    return hour % 12 + (value & HOURS_PM ? 12 : 0);
}

// Days since 1970-01-01 of a date from 2000 to 2099, in which every fourth year has a day more.
static u64 days(unsigned year, unsigned month, unsigned day)
{
    static const u16 before_month[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    enum { YEAR_2000 = 10957 };

    return YEAR_2000 + year * 365ul + (year + 3) / 4 + before_month[(month + 11) % 12] +
           (year % 4 == 0 && month > 2) + day - 1;
}

u64 clock_date(void)
{
    struct date date = read_date();
    u8 format = rtc_read(STATUS_B);

    return days(binary(date.year, format), binary(date.month, format), binary(date.day, format)) *
               SECONDS_PER_DAY +
           hours(date.hour, format) * 3600ul + binary(date.minute, format) * 60ul +
           binary(date.second, format);
}
