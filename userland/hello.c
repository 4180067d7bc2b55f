// The first program: it says so, and how it was called.

#include <stdio.h>

int main(int argc, char **argv)
{
    printf("Hello from ring 3! I am %s", argv[0]);
    for (int i = 1; i < argc; i++)
        printf("%s %s", i == 1 ? ", called with" : "", argv[i]);
    puts(".");
    return 0;
}
