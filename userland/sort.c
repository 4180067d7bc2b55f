// Sorts numbers and the lines of files, and finds some of them again.

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 5000, LINES = 4096 };

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void numbers(void)
{
    uint32_t *number = malloc(COUNT * sizeof(*number)), state = 1, sum = 0;
    int sorted = 1, found = 0;

    for (int i = 0; i < COUNT; i++)
        number[i] = state = state * 1664525u + 1013904223u;
    state = number[COUNT / 2];
    qsort(number, COUNT, sizeof(*number), by_number);
    for (int i = 0; i < COUNT; i++) {
        sorted &= i == 0 || number[i - 1] <= number[i];
        sum = sum * 31 + number[i];
    }
    found = bsearch(&state, number, COUNT, sizeof(*number), by_number) != NULL;
    printf("%d numbers, %s, %s, sum %08x\n", COUNT, sorted ? "sorted" : "NOT sorted",
           found ? "found" : "NOT found", sum);
    free(number);
}

static int lines(const char *path)
{
    static char *line[LINES];
    size_t count = 0, room = 0;
    FILE *file = fopen(path, "r");

    if (!file) {
        printf("sort: %s: %s\n", path, strerror(errno));
        return 1;
    }
    while (count < LINES && getline(&line[count], &room, file) > 0) {
        count++;
        room = 0;
    }
    fclose(file);
    qsort(line, count, sizeof(*line), by_text);
    for (size_t i = 0; i < count; i++)
        fputs(line[i], stdout);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    numbers();
    for (int i = 1; i < argc; i++)
        failed |= lines(argv[i]);
    return failed;
}
