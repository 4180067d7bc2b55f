// The terminal on the serial port. What is typed comes by lines, as a terminal in canonical mode gives it:
// until a line is complete it can be corrected, and nobody sees it.

#include <arch/serial.h>
#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/files/devices.h>
#include <kernel/files/terminal.h>
#include <kernel/string.h>

enum { PIECE = 2048, LINE_LONGEST = 1024, BELL = 7, BACKSPACE = 8, DELETE = 0x7f };
enum { END_OF_FILE = 'D' & 0x1f, KILL = 'U' & 0x1f };

static struct line {
    char text[LINE_LONGEST];
    size_t size, taken; // of a complete line: what was read of it
    bool complete;
} line;

// A piece that cannot be read as a whole is not written at all: so it is with Linux's terminals, in pieces of
// this size.
static long write(struct file *file, struct spans *from)
{
    char piece[PIECE];
    long all = 0;

    (void)file;
    while (from->left) {
        size_t size = from->left < PIECE ? from->left : PIECE;

        if (spans_take(from, piece, size) < size)
            return all ? all : -EFAULT;
        serial_write(piece, size);
        all += (long)size;
    }
    return all;
}

static void echo(char c)
{
    const char control[] = { '^', (char)(c ^ 0x40) };

    if (c == '\n' || (c >= ' ' && c != DELETE) || c < 0)
        serial_write(&c, 1);
    else
        serial_write(control, sizeof(control));
}

static void erase(void)
{
    static const char over[] = "\b \b";
    char c = line.text[--line.size];
    bool wide = (c >= 0 && c < ' ') || c == DELETE;

    for (unsigned columns = wide ? 2 : 1; columns; columns--)
        serial_write(over, sizeof(over) - 1);
}

static void append(char c)
{
    static const char bell = BELL;

    if (line.size == LINE_LONGEST - (c != '\n')) { // the last byte is kept for the end of the line
        serial_write(&bell, 1);
        return;
    }
    line.text[line.size++] = c;
    echo(c);
    line.complete = c == '\n';
}

static void typed(char c)
{
    switch (c) {
    case DELETE:
    case BACKSPACE:
        if (line.size)
            erase();
        break;
    case KILL:
        while (line.size)
            erase();
        break;
    case END_OF_FILE:
        line.complete = true;
        break;
    case '\r':
        c = '\n';
        // fall through
    default:
        append(c);
    }
}

// Waits until a line is complete. An end of file is one without a byte.
static int next_line(bool wait)
{
    static bool started;
    int error = started ? 0 : serial_receive_start();

    if (error)
        return error;
    started = true;
    while (!line.complete) {
        int c = serial_receive();

        if (c >= 0)
            typed((char)c);
        else if (!wait)
            return -EAGAIN;
        else
            serial_receive_wait();
    }
    return 0;
}

static long read(struct file *file, u64 position, struct spans *to)
{
    int error = to->left ? next_line(!(file->flags & O_NONBLOCK)) : 0;
    size_t size, got;

    (void)position;
    if (error || !to->left)
        return error;
    size = line.size - line.taken;
    if (size > to->left)
        size = to->left;
    got = spans_put(to, line.text + line.taken, size);
    line.taken += got;
    if (line.taken == line.size)
        line.size = line.taken = line.complete = 0;
    return size && !got ? -EFAULT : (long)got;
}

// What a program learns that asks what kind of terminal this is; it cannot change it.
static const struct termios settings = {
    .input = TERMIOS_CR_IS_NL,
    .control = TERMIOS_115200 | TERMIOS_8_BITS | TERMIOS_RECEIVES | TERMIOS_LOCAL,
    .local = TERMIOS_LINES | TERMIOS_ECHO | TERMIOS_ECHO_ERASE | TERMIOS_ECHO_KILL |
             TERMIOS_ECHO_CONTROL,
    .characters = { [TERMIOS_ERASE] = DELETE, [TERMIOS_KILL] = KILL, [TERMIOS_EOF] = END_OF_FILE },
};
static const struct window_size window = { .rows = 24, .columns = 80 };

static long ioctl(struct file *file, unsigned command, u64 argument)
{
    (void)file;
    switch (command) {
    case TCGETS:
        return copy_to_user(argument, &settings, sizeof(settings)) ? -EFAULT : 0;
    case TIOCGWINSZ:
        return copy_to_user(argument, &window, sizeof(window)) ? -EFAULT : 0;
    default:
        return -ENOTTY;
    }
}

const struct file_operations device_console = { .read = read, .write = write, .ioctl = ioctl };
