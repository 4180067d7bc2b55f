// Typing a line.

#include <kernel/errno.h>
#include <kernel/files/line.h>

static bool is_control(char c)
{
    return (c >= 0 && c < ' ') || c == LINE_DELETE;
}

static void show_text(const struct line *line, const char *text, size_t size)
{
    if (!line->silent)
        line->echo(text, size);
}

static void show(const struct line *line, char c)
{
    const char control[] = { '^', (char)(c ^ 0x40) };

    if (is_control(c) && c != '\n')
        show_text(line, control, sizeof(control));
    else
        show_text(line, &c, 1);
}

static void erase(struct line *line)
{
    static const char over[] = "\b \b";
    char c = line->text[--line->size];

    for (unsigned columns = is_control(c) ? 2 : 1; columns; columns--)
        show_text(line, over, sizeof(over) - 1);
}

// The last byte is kept for the end of the line.
static void append(struct line *line, char c)
{
    static const char bell = '\a';

    if (line->size == LINE_LONGEST - (c != '\n')) {
        show_text(line, &bell, 1);
        return;
    }
    line->text[line->size++] = c;
    line->complete = c == '\n' || line->single;
    show(line, c);
}

void line_typed(struct line *line, char key)
{
    if (key == '\r' && !line->raw)
        key = '\n';
    if (line->single) {
        append(line, key);
        return;
    }
    switch (key) {
    case LINE_DELETE:
    case LINE_BACKSPACE:
        if (line->size)
            erase(line);
        break;
    case LINE_KILL:
        while (line->size)
            erase(line);
        break;
    case LINE_END_OF_FILE:
        line->complete = true;
        break;
    default:
        append(line, key);
    }
}

long line_read(struct line *line, struct spans *to)
{
    size_t left = line->size - line->taken, size = to->left < left ? to->left : left;
    size_t got = spans_put(to, line->text + line->taken, size);

    line->taken += got;
    if (line->taken == line->size) {
        line->size = line->taken = 0;
        line->complete = false;
    }
    return size && !got ? -EFAULT : (long)got;
}
