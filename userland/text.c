// The C library's input and output: formats, buffers, positions, conversions.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void formats(void)
{
    char buffer[16] = "";

    printf("[%d] [%5d] [%-5d] [%05d] [%+d] [%x] [%#o]\n", -42, 42, 42, 42, 42, 0xbeef, 8);
    printf("[%ld] [%llu] [%zu] [%hhd] [%p]\n", LONG_MIN, ULLONG_MAX, sizeof(buffer), 300,
           (void *)16);
    printf("[%s] [%8s] [%-8s] [%.2s] [%c] [%%]\n", "text", "text", "text", "text", 'c');
    printf("[%f] [%.3e] [%g] [%a] [%Lf]\n", 3.14159, 123456.789, 1e-7, 0.1, 1.5L);
    printf("cut: %d characters of [%s]\n", snprintf(buffer, sizeof(buffer), "%0*d", atoi("20"), 7),
           buffer);
}

static void lines(const char *path)
{
    char line[128];
    FILE *file = fopen(path, "r");
    int count = 0, words = 0, longest = 0;
    long size;

    if (!file) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    while (fgets(line, sizeof(line), file)) {
        int length = (int)strcspn(line, "\n");

        count++;
        longest = length > longest ? length : longest;
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
            words++;
    }
    size = ftell(file);
    printf("%s: %d lines, %d words, %ld bytes, the longest line has %d\n", path, count, words, size,
           longest);
    fseek(file, -5, SEEK_END);
    printf("the last five bytes begin with %d, ", fgetc(file));
    rewind(file);
    printf("the first is %c", fgetc(file));
    ungetc('?', file);
    printf(" or %c\n", fgetc(file));
    fclose(file);
}

static void conversions(void)
{
    int day, year;
    char month[16], *end;
    double value;

    printf("%d values read: ",
           sscanf("14 November 2023 3.25", "%d %15s %d %lf", &day, month, &year, &value));
    printf("%d-%s-%d %.2f\n", year, month, day, value);
    printf("%ld, ", strtol("0x1fz", &end, 0));
    printf("then [%s]\n", end);
    errno = 0;
    printf("%lu: ", strtoul("99999999999999999999", NULL, 10));
    puts(strerror(errno));
}

int main(int argc, char **argv)
{
    formats();
    for (int i = 1; i < argc; i++)
        lines(argv[i]);
    conversions();
    setvbuf(stdout, NULL, _IONBF, 0);
    fputs("byte by byte, ", stdout);
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    fputs("and at the end what is still in the buffer", stdout);
    return 0;
}
