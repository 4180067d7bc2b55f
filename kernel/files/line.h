// A line that is being typed, as a terminal in canonical mode takes it: until it is complete it can be
// corrected, and nobody reads it. In the other mode each key is a line.
#pragma once

#include <kernel/spans.h>

enum { LINE_LONGEST = 1024 };

enum line_key {
    LINE_END_OF_FILE = 'D' & 0x1f,
    LINE_BACKSPACE = '\b',
    LINE_KILL = 'U' & 0x1f,
    LINE_DELETE = 0x7f,
};

struct line {
    char text[LINE_LONGEST];
    size_t size, taken; // of a complete line: what was read of it
    bool complete;
    bool single;                                 // each key is complete, and none corrects
    bool silent;                                 // nothing is echoed
    bool raw;                                    // a carriage return is none but itself
    void (*echo)(const void *text, size_t size); // what a key shows
};

// A key was typed. The line must not be complete.
void line_typed(struct line *line, char key);

// Gives what is left of a complete line; when nothing is left, the next one begins. How many bytes: 0 at an end of
// file; or -EFAULT.
long line_read(struct line *line, struct spans *to);
