// What the ways into the kernel and back cost: for each a line with its name and the least of some readings of the
// time stamp counter. Without a C library, so that the same few instructions run under every kernel.
//
// Under QEMU with `-icount shift=0` the counter gains one with each instruction; then a figure is the number of
// instructions from the first one behind the door up to the one that comes back, which is included: what is
// read around the door is read again around a NOP, or a write that does not fault, and subtracted.

#define SYS_WRITE      1
#define SYS_MMAP       9
#define SYS_EXIT       60
#define SYS_GETPPID    110
#define SYS_NOBODYS    1000
#define I386_GETPPID   64
#define READ_WRITE     3
#define PRIVATE_MEMORY 0x22

enum { TIMES = 32, PAGE_SIZE = 4096 };

typedef unsigned long u64;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
}

// ---- the readings --------------------------------------------------------------------------------------

// unsigned name(u64 rdi, u64 rsi): what the counter gains by one instruction, with eax = rsi before it.
#define READING(name, instruction)                  \
    unsigned name(u64, u64);                        \
    __asm__(".globl " #name "\n" #name ":\n\t"      \
            "rdtsc\n\t"                             \
            "mov %eax, %r8d\n\t"                    \
            "mov %esi, %eax\n\t" instruction "\n\t" \
            "rdtsc\n\t"                             \
            "sub %r8d, %eax\n\t"                    \
            "ret");

READING(read_nothing, "nop")
READING(read_syscall, "syscall")
READING(read_int80, "int $0x80")
READING(read_write, "movb $1, (%rdi)")

typedef unsigned reading(u64 rdi, u64 rsi);

// The least of some, `step` apart.
static unsigned least(reading *read, u64 rdi, u64 rsi, u64 step)
{
    unsigned result = -1u;

    for (int i = 0; i < TIMES; i++, rdi += step) {
        unsigned got = read(rdi, rsi);

        result = got < result ? got : result;
    }
    return result;
}

// ---- what is told --------------------------------------------------------------------------------------

static void tell(const char *name, unsigned figure)
{
    char line[64], digits[16];
    unsigned length = 0, count = 0;

    while (*name)
        line[length++] = *name++;
    line[length++] = ' ';
    do
        digits[count++] = (char)('0' + figure % 10);
    while (figure /= 10);
    while (count)
        line[length++] = digits[--count];
    line[length++] = '\n';
    call(SYS_WRITE, 1, (long)line, length, 0, 0, 0);
}

__attribute__((used)) static void begin(void)
{
    unsigned nothing = least(read_nothing, 0, 0, 0);
    // The first page brings the page tables for all. So many pages are no huge page's.
    u64 pages = (u64)call(SYS_MMAP, 0, (TIMES + 1) * PAGE_SIZE, READ_WRITE, PRIVATE_MEMORY, -1, 0);

    tell("getppid", least(read_syscall, 0, SYS_GETPPID, 0) - nothing);
    tell("unknown", least(read_syscall, 0, SYS_NOBODYS, 0) - nothing);
    read_write(pages, 0);
    tell("first_touch_and_zeroing",
         least(read_write, pages + PAGE_SIZE, 0, PAGE_SIZE) - least(read_write, pages, 0, 0));
    tell("getppid_int80", least(read_int80, 0, I386_GETPPID, 0) - nothing);
    call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
}

__asm__(".globl _start\n"
        "_start:\n\t"
        "xor %ebp, %ebp\n\t"
        "and $-16, %rsp\n\t"
        "call begin");
