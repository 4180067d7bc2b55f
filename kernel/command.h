// A line of commands, as one would type it: words with spaces between, commands with `;` between. Quotes of both
// kinds keep a word together; what follows `#` is a remark.
#pragma once

#include <arch/types.h>

#define COMMAND_WORDS 64

struct command {
    const char *argv[COMMAND_WORDS + 1]; // ends with NULL
    size_t count;
    const char *problem; // NULL, or what is wrong with it
};

// Takes the next command from *text, which is changed: the words are where they were typed. False when nothing
// is left.
bool command_next(char **text, struct command *command);
