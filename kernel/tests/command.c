// The kernel's own tests: lines of commands.

#include <kernel/command.h>
#include <kernel/string.h>
#include <kernel/test.h>

// A line, and the words of its commands with `|` between and `;` behind each; "!" for one with a problem.
static const struct row {
    const char *line, *words;
} rows[] = {
    { "", "" },
    { "  \t\n", "" },
    { "ls", "ls;" },
    { " ls  -l\t/ \n", "ls|-l|/;" },
    { "a;b", "a;b;" },
    { "a ; b c ;", "a;b|c;" },
    { ";;a;;", "a;" },
    { "a 'b c' \"d;e\"", "a|b c|d;e;" },
    { "a ''", "a|;" },
    { "a'b c'd", "ab cd;" },
    { "a \"it's\"", "a|it's;" },
    { "# all of it", "" },
    { "a b # the rest; c", "a|b;" },
    { "a#b", "a#b;" },
    { "a 'b", "!" },
    { "a; 'b; c", "a;!" },
};

static void join(char *line, char *words)
{
    struct command command;

    while (command_next(&line, &command)) {
        if (command.problem) {
            *words++ = '!';
            continue;
        }
        report(!command.argv[command.count], "argv ends with NULL");
        for (size_t i = 0; i < command.count; i++) {
            size_t length = strlen(command.argv[i]);

            if (i)
                *words++ = '|';
            memcpy(words, command.argv[i], length);
            words += length;
        }
        *words++ = ';';
    }
    *words = '\0';
}

TEST(commands)
{
    for (size_t i = 0; i < array_length(rows); i++) {
        char line[64], words[128];

        memcpy(line, rows[i].line, strlen(rows[i].line) + 1);
        join(line, words);
        report(!strcmp(words, rows[i].words), "[%s] is [%s] (here [%s])", rows[i].line,
               rows[i].words, words);
    }
}

// One word too many, and as many as there may be.
TEST(too_many_words)
{
    char line[2 * COMMAND_WORDS + 8], *text = line;
    struct command command;

    for (size_t i = 0; i <= COMMAND_WORDS; i++)
        memcpy(line + 2 * i, "w ", 2);
    memcpy(line + 2 * (COMMAND_WORDS + 1), ";x", 3);
    report(command_next(&text, &command) && command.problem, "a problem");
    report(command_next(&text, &command) && !command.problem, "and none with the next command");
    report_count(command.count, 1, "words of that");

    for (size_t i = 0; i < COMMAND_WORDS; i++)
        memcpy(line + 2 * i, "w ", 3);
    text = line;
    report(command_next(&text, &command) && !command.problem, "no problem with one word fewer");
    report_count(command.count, COMMAND_WORDS, "words");
    report(!command.argv[COMMAND_WORDS], "argv ends with NULL");
}
