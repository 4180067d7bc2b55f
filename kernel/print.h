// Printing on the console, the first serial port.
#pragma once

#include <stdarg.h>

#include <arch/types.h>

// Prints with a subset of printf: %c %s %d %i %u %x %p %%, the sizes l, ll and z, a width, `-` and `0`
// before it, `.*` and a precision for %s. Works from the moment the serial port is set up.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

// Where all that is printed goes from now on, instead of to the console; a panic takes the console back.
// Returns where it went before.
typedef void print_writer(const void *text, size_t size);
print_writer *print_to(print_writer *writer);
