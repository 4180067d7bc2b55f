// System calls of 32-bit code: by int 0x80, by the kernel's page, and by int 0x80 from 64-bit code. One line each;
// Linux prints the same.

#include "program.h"

enum {
    READ = 3,
    WRITE = 4,
    OPEN = 5,
    CLOSE = 6,
    LSEEK = 19,
    GETPID = 20,
    OLD_MMAP = 90,
    MUNMAP = 91,
    MPROTECT = 125,
    LLSEEK = 140,
    WRITEV = 146,
    NANOSLEEP = 162,
    RT_SIGACTION = 174,
    MMAP2 = 192,
    FSTAT64 = 197,
    NOBODYS = 222,
    GETTID = 224,
    SET_THREAD_AREA = 243,
    GET_THREAD_AREA = 244,
    CLOCK_GETTIME = 265,
    OPENAT = 295,
    FSTATAT64 = 300,
};
enum { READ_WRITE = 3, PRIVATE = 2, ANONYMOUS = 0x20 };

typedef int way(const u32 *call);

// ---- what every way does -------------------------------------------------------------------------------

static void write_words(way *by)
{
    const struct {
        const char *at;
        u32 size;
    } pieces[] = { { "two ", 4 }, { "pieces\n", 7 } };

    tell("written", CALL(by, WRITE, 1, (u32) "a line\n", 7));
    tell("by pieces", CALL(by, WRITEV, 1, (u32)pieces, 2));
    tell("write to nobody", CALL(by, WRITE, 77, (u32) "x", 1));
    tell("write from nowhere", CALL(by, WRITE, 1, 8, 1));
    tell("write from the end of memory", CALL(by, WRITE, 1, 0xfffffff0, 64));
}

static void numbers(way *by)
{
    tell("a number of nobody's", CALL(by, NOBODYS));
    tell("the largest number", CALL(by, 0xffffffff));
    tell("the thread is the process", CALL(by, GETTID) == CALL(by, GETPID));
}

// Six arguments; the last one is the offset, in pages.
static void memory(way *by)
{
    int fd = CALL(by, OPEN, (u32) "etc/words");
    u32 first = (u32)CALL(by, MMAP2, 0, 4096, 1, PRIVATE, (u32)fd, 0);
    u32 beyond = (u32)CALL(by, MMAP2, 0, 4096, 1, PRIVATE, (u32)fd, 0x12345);
    u32 fresh = (u32)CALL(by, MMAP2, 0, 8192, READ_WRITE, PRIVATE | ANONYMOUS, (u32)-1, 0);
    const u32 old[] = { 0, 4096, READ_WRITE, PRIVATE | ANONYMOUS, (u32)-1, 0 };
    u32 other = (u32)CALL(by, OLD_MMAP, (u32)old);
    char read[4];

    tell("read", CALL(by, READ, (u32)fd, (u32)read, 4));
    tell("a file in memory begins as it is read", *(const u32 *)first == *(const u32 *)read);
    tell("far beyond its end, too", beyond < 0xfffff000);
    *(u32 *)(fresh + 4096) = *(u32 *)other = 7;
    tell("memory keeps what is written", (int)*(u32 *)(fresh + 4096) + (int)*(u32 *)other);
    tell("read only", CALL(by, MPROTECT, fresh, 4096, 1));
    tell("away", CALL(by, MUNMAP, fresh, 8192) | CALL(by, MUNMAP, other, 4096) |
                     CALL(by, MUNMAP, first, 4096) | CALL(by, MUNMAP, beyond, 4096));
    tell("read there", CALL(by, READ, (u32)fd, fresh, 4));
    tell("a bad length", CALL(by, MMAP2, 0, 0, 1, PRIVATE | ANONYMOUS, (u32)-1, 0));
    tell("closed", CALL(by, CLOSE, (u32)fd));
    tell("again", CALL(by, CLOSE, (u32)fd));
}

static void files(way *by)
{
    u32 stat[24];
    u64 position = 1;
    int fd = CALL(by, OPENAT, (u32)-100, (u32) "etc/words");

    tell("fstat64", CALL(by, FSTAT64, (u32)fd, (u32)stat));
    tell("a regular file", (stat[4] & 0170000) == 0100000);
    tell("its size is where lseek ends", (int)stat[11] == CALL(by, LSEEK, (u32)fd, 0, 2));
    tell("fstatat64 of what is not there",
         CALL(by, FSTATAT64, (u32)-100, (u32) "etc/none", (u32)stat, 0));
    tell("three before the end", CALL(by, LSEEK, (u32)fd, (u32)-3, 2) - (int)stat[11]);
    tell("to 5 GiB", CALL(by, LLSEEK, (u32)fd, 1, 0x40000000, (u32)&position, 0));
    tell("which is there", position == 0x140000000);
    tell("lseek says that", CALL(by, LSEEK, (u32)fd, 0, 1));
    tell("llseek to nowhere", CALL(by, LLSEEK, (u32)fd, 0, 0, 8, 0));
    tell("closed", CALL(by, CLOSE, (u32)fd));
}

static void times(way *by)
{
    u32 time[2] = { 0, 0 }, short_time[2] = { 0, 1000 }, wrong[2] = { 0, 1000000000 };

    tell("clock_gettime", CALL(by, CLOCK_GETTIME, 1, (u32)time));
    tell("less than a second of nanoseconds", time[1] < 1000000000);
    tell("clock 99", CALL(by, CLOCK_GETTIME, 99, (u32)time));
    tell("nanosleep", CALL(by, NANOSLEEP, (u32)short_time, 0));
    tell("nanosleep of too many", CALL(by, NANOSLEEP, (u32)wrong, 0));
}

static void signals(way *by)
{
    u32 action[5] = { 1, 0, 0, 0x11223344, 0x55667788 }, before[5] = { 9, 9, 9, 9, 9 };

    tell("rt_sigaction", CALL(by, RT_SIGACTION, 10, (u32)action, 0, 8));
    tell("asked again", CALL(by, RT_SIGACTION, 10, 0, (u32)before, 8));
    tell("handler", (int)before[0]);
    tell("mask", before[3] == 0x11223344 && before[4] == 0x55667788);
    tell("a mask of another size", CALL(by, RT_SIGACTION, 10, 0, (u32)before, 16));
    tell("for SIGKILL", CALL(by, RT_SIGACTION, 9, (u32)action, 0, 8));
}

// ---- a thread's own segment ------------------------------------------------------------------------------

static u32 at_gs(u32 offset)
{
    u32 value;

    __asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset));
    return value;
}

static void segments(way *by)
{
    static u32 block[4] = { 11, 22, 33, 44 };
    u32 desc[4] = { (u32)-1, (u32)block, 0xfffff, 0x51 }; // 32-bit, in pages, usable

    tell("set_thread_area", CALL(by, SET_THREAD_AREA, (u32)desc));
    tell("entry", (int)desc[0]);
    __asm__ volatile("mov %0, %%gs" ::"r"(desc[0] * 8 + 3));
    tell("at GS:8", (int)at_gs(8));
    desc[1] = (u32)&block[1];
    tell("elsewhere", CALL(by, SET_THREAD_AREA, (u32)desc));
    tell("at GS:8", (int)at_gs(8));
    desc[1] = desc[2] = desc[3] = 0;
    tell("get_thread_area", CALL(by, GET_THREAD_AREA, (u32)desc));
    tell("base", desc[1] == (u32)&block[1]);
    tell("limit", (int)desc[2]);
    tell("flags", (int)desc[3]);
    desc[0] = 11;
    tell("entry 11", CALL(by, SET_THREAD_AREA, (u32)desc));
    desc[0] = (u32)-1, desc[3] = 0x55;
    tell("code", CALL(by, SET_THREAD_AREA, (u32)desc));
    tell("from nowhere", CALL(by, SET_THREAD_AREA, 8));
    desc[0] = 12, desc[1] = desc[2] = 0, desc[3] = 0x28;
    tell("none", CALL(by, SET_THREAD_AREA, (u32)desc));
}

// ---- 64-bit code in between ------------------------------------------------------------------------------

// A write by int 0x80 from 64-bit code, with other things above the 32 bits of its arguments. Gives the result,
// and whether r8 to r15 and those upper halves came back.
static int from_64_bits(const char *text, u32 size, int *kept)
{
    int result, same;

    __asm__ volatile("push %%ebp\n\t"
                     "push %%ebx\n\t"
                     "mov %%eax, %%ecx\n\t"
                     "ljmp $0x33, $1f\n"
                     "1:\n\t.code64\n\t"
                     "movabs $0x1234567800000000, %%r15\n\t"
                     "mov %%r15, %%r8\n\t"
                     "lea 1(%%r15), %%r9\n\t"
                     "lea 2(%%r15), %%r10\n\t"
                     "lea 3(%%r15), %%r11\n\t"
                     "lea 4(%%r15), %%r12\n\t"
                     "lea 5(%%r15), %%r13\n\t"
                     "lea 6(%%r15), %%r14\n\t"
                     "lea 4(%%r15), %%rax\n\t" // write
                     "lea 1(%%r15), %%rbx\n\t"
                     "or %%r15, %%rcx\n\t"
                     "or %%r15, %%rdx\n\t"
                     "int $0x80\n\t"
                     "lea 1(%%r15), %%rsi\n\t"
                     "xor %%rbx, %%rsi\n\t"
                     "lea (%%r15), %%rdi\n\t"
                     "xor %%r8, %%rdi\n\t"
                     "or %%rdi, %%rsi\n\t"
                     "lea 3(%%r15), %%rdi\n\t"
                     "xor %%r11, %%rdi\n\t"
                     "or %%rdi, %%rsi\n\t"
                     "lea 6(%%r15), %%rdi\n\t"
                     "xor %%r14, %%rdi\n\t"
                     "or %%rdi, %%rsi\n\t"
                     "mov %%rcx, %%rdi\n\t"
                     "xor %%r15, %%rdi\n\t"
                     "shr $32, %%rdi\n\t"
                     "or %%rdi, %%rsi\n\t"
                     "mov %%esi, %%edi\n\t"
                     "shr $32, %%rsi\n\t"
                     "or %%edi, %%esi\n\t"
                     "lea 2f(%%rip), %%rdi\n\t"
                     "sub $8, %%esp\n\t"
                     "mov %%edi, (%%rsp)\n\t"
                     "movl $0x23, 4(%%rsp)\n\t"
                     "ljmp *(%%rsp)\n"
                     "2:\n\t.code32\n\t"
                     "add $8, %%esp\n\t"
                     "pop %%ebx\n\t"
                     "pop %%ebp"
                     : "=a"(result), "=S"(same), "+d"(size)
                     : "a"(text)
                     : "ecx", "edi", "memory", "cc");
    *kept = same == 0;
    return result;
}

static void every(const char *name, way *by)
{
    say("---- ");
    say(name);
    say("\n");
    write_words(by);
    numbers(by);
    memory(by);
    files(by);
    times(by);
    signals(by);
    segments(by);
}

int begin(const u32 *stack)
{
    int kept;

    every("int 0x80", by_int80);
    kernel_vsyscall = auxv(stack, AT_SYSINFO);
    if (kernel_vsyscall)
        every("the page", by_page);
    say("---- int 0x80 from 64-bit code\n");
    tell("written", from_64_bits("from 64 bits\n", 13, &kept));
    tell("all else as it was", kept);
    tell("from nowhere", from_64_bits((const char *)8, 1, &kept));
    return 0;
}
