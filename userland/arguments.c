// What the kernel has put on the stack before the first instruction: arguments, environment, auxiliary vector.
// Prints what is the same on every kernel, and whether the rest is as it should be.

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;
extern void _start(void);

static void check(const char *what, int holds)
{
    printf("%-40s %s\n", what, holds ? "yes" : "NO");
}

// The program headers that the kernel points to are the program's own.
static void check_headers(void)
{
    const Elf64_Phdr *header = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM), executable = 0;

    check("AT_PHENT is an ELF64 program header's", getauxval(AT_PHENT) == sizeof(*header));
    for (unsigned long i = 0; i < count; i++)
        executable += header[i].p_type == PT_LOAD && header[i].p_flags & PF_X &&
                      (uintptr_t)_start - header[i].p_vaddr < header[i].p_memsz;
    check("AT_PHDR has the segment of the entry", executable == 1);
}

int main(int argc, char **argv)
{
    char **after = environ;
    uintptr_t random = getauxval(AT_RANDOM);
    static const char zeroes[16];

    for (int i = 0; i <= argc; i++)
        printf("argv[%d] = %s\n", i, argv[i] ? argv[i] : "NULL");
    for (char **variable = environ; *variable; variable++)
        printf("environment: %s\n", *variable);
    while (*after)
        after++;

    check("argv ends where environ begins", argv + argc + 1 == environ);
    check("argc lies on a multiple of 16", (uintptr_t)(argv - 1) % 16 == 0);
    check("the vector follows the environment", ((uint64_t *)(after + 1))[0] != AT_NULL);
    check("AT_PAGESZ is 4096", getauxval(AT_PAGESZ) == 4096);
    check("AT_CLKTCK is 100", getauxval(AT_CLKTCK) == 100);
    check("AT_ENTRY is _start", getauxval(AT_ENTRY) == (uintptr_t)_start);
    check_headers();
    check("AT_BASE is 0, for it is static", getauxval(AT_BASE) == 0);
    check("AT_FLAGS is 0", getauxval(AT_FLAGS) == 0);
    check("AT_UID and AT_EUID", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    check("AT_GID and AT_EGID", getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    check("AT_SECURE is 0", getauxval(AT_SECURE) == 0);
    check("AT_RANDOM has 16 bytes, not zeroes", random && memcmp((char *)random, zeroes, 16) != 0);
    check("AT_HWCAP has SSE2's bit", getauxval(AT_HWCAP) >> 26 & 1);
    check("AT_EXECFN is a path", strchr((char *)getauxval(AT_EXECFN), '/') != NULL);
    check("AT_PLATFORM is x86_64", !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
    return argc;
}
