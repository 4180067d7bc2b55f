// Splitting a line into commands and words, in place: a word never grows by losing its quotes.

#include <kernel/command.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool ends_word(char c)
{
    return !c || is_blank(c) || c == ';';
}

// Moves the word at `from` to `to`, without its quotes. Where it ends, or NULL for a quote without an end.
static char *take_word(char *from, char **to)
{
    char quote = '\0';

    for (; quote || !ends_word(*from); from++) {
        if (!*from)
            return NULL;
        if (*from == quote)
            quote = '\0';
        else if (!quote && (*from == '"' || *from == '\''))
            quote = *from;
        else
            *(*to)++ = *from;
    }
    return from;
}

bool command_next(char **text, struct command *command)
{
    char *at = *text, stop = ' ';

    *command = (struct command){ .count = 0 };
    while (stop && stop != ';') {
        char *word, *end;

        while (is_blank(*at) || (*at == ';' && !command->count))
            at++;
        if (*at == '#')
            *at = '\0';
        word = end = at;
        at = take_word(at, &end);
        if (!at) {
            command->problem = "a quote without an end";
            at = end;
            *at = '\0';
            break;
        }
        stop = *at;
        if (at > word && command->count < COMMAND_WORDS)
            command->argv[command->count++] = word;
        else if (at > word)
            command->problem = "too many words";
        *end = '\0';
        at += stop != '\0';
    }
    *text = at;
    return command->count || command->problem;
}
