// Memory in all the ways that a program can have it: the heap, the break, mappings, the stack. Every page is
// written and read again; what is printed is the same on every kernel.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCKS = 100, LARGE = 1 << 19 };

static void say(const char *what, long result)
{
    printf("%-44s %s\n", what, result == -1 ? strerror(errno) : result ? "yes" : "NO");
}

static int filled(const char *memory, char byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i] != byte)
            return 0;
    return 1;
}

// Blocks of many sizes, some given back, some grown; each keeps its own bytes.
static void heap(void)
{
    char *block[BLOCKS];
    size_t size[BLOCKS];
    int right = 1;

    for (int i = 0; i < BLOCKS; i++) {
        size[i] = (size_t)(i * i * 7 + 1);
        block[i] = malloc(size[i]);
        memset(block[i], i, size[i]);
    }
    for (int i = 0; i < BLOCKS; i += 3) {
        free(block[i]);
        block[i] = NULL;
    }
    for (int i = 1; i < BLOCKS; i += 3) {
        block[i] = realloc(block[i], size[i] * 2);
        memset(block[i] + size[i], i, size[i]);
        size[i] *= 2;
    }
    for (int i = 0; i < BLOCKS; i++)
        if (block[i]) {
            right &= filled(block[i], (char)i, size[i]);
            free(block[i]);
        }
    say("blocks of the heap keep what is theirs", right);

    block[0] = calloc(1, LARGE);
    say("a large one is zeroed", filled(block[0], 0, LARGE));
    memset(block[0], 1, LARGE);
    block[0] = realloc(block[0], 2 * LARGE);
    say("and grows with its contents", filled(block[0], 1, LARGE));
    free(block[0]);
    say("more than there are addresses", malloc(SIZE_MAX / 2) == NULL);
}

// By the call itself, for a C library may keep brk() to its own.
static char *move_break(char *to)
{
    return (char *)syscall(SYS_brk, to);
}

static void the_break(void)
{
    char *before = move_break(NULL), *start = before + (-(uintptr_t)before % PAGE);

    say("the break moves up", move_break(start + 5 * PAGE) == start + 5 * PAGE);
    memset(start, 5, 5 * PAGE);
    say("down", move_break(start + PAGE) == start + PAGE);
    say("and up again", move_break(start + 5 * PAGE) == start + 5 * PAGE);
    say("to zeroes", filled(start, 5, PAGE) && filled(start + PAGE, 0, 4 * PAGE));
    say("not below where it began", move_break((char *)PAGE) == start + 5 * PAGE);
    move_break(before);
}

static void mappings(void)
{
    char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *moved;

    say("a mapping is zeroed", filled(at, 0, 8 * PAGE));
    memset(at, 3, 8 * PAGE);
    say("munmap takes the middle", munmap(at + 2 * PAGE, 2 * PAGE) == 0);
    say("the rest stays", filled(at, 3, 2 * PAGE) && filled(at + 4 * PAGE, 3, 4 * PAGE));
    say("munmap of what is not there", munmap(at + 2 * PAGE, PAGE) == 0);
    say("MAP_FIXED fills the hole",
        mmap(at + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 2 * PAGE);
    say("with zeroes", filled(at + 2 * PAGE, 0, 2 * PAGE));
    say("mprotect", mprotect(at, 8 * PAGE, PROT_READ) == 0);
    say("which holds for the kernel, too", read(open("/dev/zero", O_RDONLY), at, 1));
    say("and taken back", mprotect(at, 8 * PAGE, PROT_READ | PROT_WRITE) == 0);
    at[0] = 4;
    moved = mremap(at, PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    say("mremap grows and moves", moved != MAP_FAILED && moved[0] == 4 && moved[1] == 3);
    say("to zeroes", filled(moved + PAGE, 0, 63 * PAGE));
    say("mremap shrinks", mremap(moved, 64 * PAGE, PAGE, 0) == moved);
    munmap(moved, PAGE);
    munmap(at + PAGE, 7 * PAGE);
    say("no length",
        mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : -1);
    say("no alignment", munmap((void *)1, PAGE));
    say("no descriptor", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) != MAP_FAILED ? 0 : -1);
    say("mprotect where nothing is", mprotect((void *)0x10000, PAGE, PROT_READ));
}

// Its own copy: what is written does not reach the file, nor another mapping of it.
static void file(const char *path)
{
    int fd = open(path, O_RDONLY);
    char text[64] = "", *one, *other;
    ssize_t size = read(fd, text, sizeof(text));

    one = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    other = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (size <= 0 || one == MAP_FAILED || other == MAP_FAILED) {
        say(path, -1);
        return;
    }
    say("a file's page is the file", memcmp(one, text, (size_t)size) == 0);
    one[0] = '!';
    say("a change stays in one mapping", one[0] == '!' && other[0] == text[0]);
    say("behind its end are zeroes", one[PAGE - 1] == 0);
}

static long deep(long levels)
{
    volatile char frame[PAGE];

    frame[0] = (char)levels;
    return levels ? 1 + deep(levels - 1) + (frame[0] != (char)levels) : 0;
}

int main(int argc, char **argv)
{
    heap();
    the_break();
    mappings();
    file(argc > 1 ? argv[1] : "etc/motd");
    say("the stack grows to 6 MiB", deep(1500) == 1500);
    return 0;
}
