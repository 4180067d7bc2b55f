// The terminal on the serial port.

#include <arch/serial.h>
#include <arch/user.h>
#include <kernel/errno.h>
#include <kernel/files/devices.h>
#include <kernel/files/line.h>
#include <kernel/files/terminal.h>
#include <kernel/time.h>

enum { PIECE = 2048 };

static struct line line = { .echo = serial_write };

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

// Waits until a line is complete.
static int next_line(bool wait)
{
    int error = serial_receive_start();

    if (error && error != -EBUSY) // it has been receiving since the first line
        return error;
    while (!line.complete) {
        int c = serial_receive();

        if (c >= 0)
            line_typed(&line, (char)c);
        else if (!wait)
            return -EAGAIN;
        else
            serial_receive_wait(TIME_NEVER);
    }
    return 0;
}

static long read(struct file *file, u64 position, struct spans *to)
{
    int error = to->left ? next_line(!(file->flags & O_NONBLOCK)) : 0;

    (void)position;
    return error || !to->left ? error : line_read(&line, to);
}

static unsigned ready(struct file *file)
{
    (void)file;
    return FILE_CAN_WRITE | (next_line(false) ? 0 : FILE_CAN_READ);
}

// What kind of terminal this is. A program can change all of it; of what it sets, lines, echo and carriage
// returns mean something here.
static const struct termios settings_at_first = {
    .input = TERMIOS_CR_IS_NL,
    .control = TERMIOS_115200 | TERMIOS_8_BITS | TERMIOS_RECEIVES | TERMIOS_LOCAL,
    .local = TERMIOS_LINES | TERMIOS_ECHO | TERMIOS_ECHO_ERASE | TERMIOS_ECHO_KILL |
             TERMIOS_ECHO_CONTROL,
    .characters = { [TERMIOS_ERASE] = LINE_DELETE,
                    [TERMIOS_KILL] = LINE_KILL,
                    [TERMIOS_EOF] = LINE_END_OF_FILE },
};
static const struct window_size window = { .rows = 24, .columns = 80 };

static struct termios settings = settings_at_first;

static void settings_use(const struct termios *wanted)
{
    settings = *wanted;
    line.single = !(wanted->local & TERMIOS_LINES);
    line.silent = !(wanted->local & TERMIOS_ECHO);
    line.raw = !(wanted->input & TERMIOS_CR_IS_NL);
    line.complete |= line.single && line.size; // what was typed of a line is not lost
}

void file_console_reset(void)
{
    settings_use(&settings_at_first);
}

static void forget_typed(void)
{
    while (serial_receive() >= 0)
        continue;
    line.size = line.taken = 0;
    line.complete = false;
}

static long settings_set(unsigned command, u64 from)
{
    struct termios wanted;

    if (copy_from_user(&wanted, from, sizeof(wanted)))
        return -EFAULT;
    if (command == TCSETSF)
        forget_typed();
    settings_use(&wanted);
    return 0;
}

static long ioctl(struct file *file, unsigned command, u64 argument)
{
    (void)file;
    switch (command) {
    case TCGETS:
        return copy_to_user(argument, &settings, sizeof(settings)) ? -EFAULT : 0;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return settings_set(command, argument);
    case TIOCGWINSZ:
        return copy_to_user(argument, &window, sizeof(window)) ? -EFAULT : 0;
    default:
        return -ENOTTY;
    }
}

const struct file_operations device_console = {
    .read = read,
    .write = write,
    .ioctl = ioctl,
    .ready = ready,
};
