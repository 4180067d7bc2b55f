// What programs ask a terminal, as Linux lays it out: ioctl_tty(2), termios(3).
#pragma once

#include <arch/types.h>

#define TCGETS     0x5401
#define TCSETS     0x5402
#define TCSETSW    0x5403 // the same when all that was written is out,
#define TCSETSF    0x5404 // and what was typed is forgotten
#define TIOCGWINSZ 0x5413

struct termios {
    u32 input, output, control, local;
    u8 discipline;
    u8 characters[19]; // by enum termios_character
};
static_assert(sizeof(struct termios) == 36,
              "the kernel's struct termios, which is not the C library's");

#define TERMIOS_CR_IS_NL     0000400u // ICRNL: a carriage return that comes in is a new line
#define TERMIOS_115200       0010002u // B115200
#define TERMIOS_8_BITS       0000060u // CS8
#define TERMIOS_RECEIVES     0000200u // CREAD
#define TERMIOS_LOCAL        0004000u // CLOCAL
#define TERMIOS_LINES        0000002u // ICANON
#define TERMIOS_ECHO         0000010u // ECHO
#define TERMIOS_ECHO_ERASE   0000020u // ECHOE
#define TERMIOS_ECHO_KILL    0000040u // ECHOK
#define TERMIOS_ECHO_CONTROL 0001000u // ECHOCTL

enum termios_character { TERMIOS_ERASE = 2, TERMIOS_KILL = 3, TERMIOS_EOF = 4 };

struct window_size {
    u16 rows, columns;
    u16 width, height; // in pixels; not known
};
static_assert(sizeof(struct window_size) == 8, "struct winsize");
