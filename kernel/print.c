// Printing. Formatting writes straight to where it goes: no buffer to overflow or to lose.

#include <arch/serial.h>
#include <kernel/print.h>
#include <kernel/string.h>

static print_writer *writer = serial_write;

print_writer *print_to(print_writer *to)
{
    print_writer *before = writer;

    writer = to;
    return before;
}

struct field {
    bool left, zero;
    int width;
    int precision; // -1: none
    bool wide;     // 64 bits
};

static void pad(int count, char with)
{
    while (count-- > 0)
        writer(&with, 1);
}

static void put(const struct field *field, const char *text, size_t length)
{
    int space = field->width - (int)length;

    if (!field->left)
        pad(space, field->zero ? '0' : ' ');
    writer(text, length);
    if (field->left)
        pad(space, ' ');
}

static void put_number(const struct field *field, u64 value, unsigned base, bool negative)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative)
        digits[--at] = '-';
    put(field, digits + at, sizeof(digits) - at);
}

static void put_string(const struct field *field, const char *text)
{
    size_t length = 0;

    if (!text)
        text = "(null)";
    while (text[length] && (field->precision < 0 || length < (size_t)field->precision))
        length++;
    put(field, text, length);
}

static int number(const char **format, va_list *arguments)
{
    int value = 0;

    if (**format == '*') {
        ++*format;
        return va_arg(*arguments, int);
    }
    while (**format >= '0' && **format <= '9')
        value = value * 10 + *(*format)++ - '0';
    return value;
}

static struct field read_field(const char **format, va_list *arguments)
{
    struct field field = { .precision = -1 };

    for (;; ++*format) {
        if (**format == '-')
            field.left = true;
        else if (**format == '0')
            field.zero = true;
        else
            break;
    }
    field.width = number(format, arguments);
    if (**format == '.') {
        ++*format;
        field.precision = number(format, arguments);
    }
    for (; **format == 'l' || **format == 'z'; ++*format)
        field.wide = true;
    return field;
}

static u64 read_unsigned(const struct field *field, va_list *arguments)
{
    return field->wide ? va_arg(*arguments, u64) : va_arg(*arguments, unsigned);
}

static void put_signed(const struct field *field, va_list *arguments)
{
    long value = field->wide ? va_arg(*arguments, long) : va_arg(*arguments, int);

    put_number(field, value < 0 ? -(u64)value : (u64)value, 10, value < 0);
}

static void put_conversion(const struct field *field, char conversion, va_list *arguments)
{
    char letter;

    switch (conversion) {
    case 'c':
        letter = (char)va_arg(*arguments, int);
        put(field, &letter, 1);
        break;
    case 's':
        put_string(field, va_arg(*arguments, const char *));
        break;
    case 'd':
    case 'i':
        put_signed(field, arguments);
        break;
    case 'u':
        put_number(field, read_unsigned(field, arguments), 10, false);
        break;
    case 'x':
        put_number(field, read_unsigned(field, arguments), 16, false);
        break;
    case 'p':
        writer("0x", 2);
        put_number(&(struct field){ .zero = true, .width = 16 }, va_arg(*arguments, u64), 16,
                   false);
        break;
    default:
        writer(&conversion, 1);
    }
}

void vprint(const char *format, va_list arguments)
{
    va_list rest;

    va_copy(rest, arguments);
    for (;;) {
        size_t plain = 0;

        while (format[plain] && format[plain] != '%')
            plain++;
        writer(format, plain);
        format += plain;
        if (!*format++)
            break;
        struct field field = read_field(&format, &rest);
        if (!*format)
            break;
        put_conversion(&field, *format++, &rest);
    }
    va_end(rest);
}

void print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
}
