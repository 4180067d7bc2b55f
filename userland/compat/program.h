// What a 32-bit program needs that has no library: where it begins, system calls, a few words to print.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;

// The stack as the kernel gives it: argc, argv, NULL, envp, NULL, the auxiliary vector.
int begin(const u32 *stack);

__asm__(".globl _start\n"
        "_start:\n\t"
        "xor %ebp, %ebp\n\t"
        "mov %esp, %eax\n\t"
        "and $-16, %esp\n\t"
        "sub $12, %esp\n\t"
        "push %eax\n\t"
        "call begin\n\t"
        "mov %eax, %ebx\n\t"
        "mov $252, %eax\n\t" // exit_group
        "int $0x80\n\t"
        "hlt");

enum { AT_PAGESZ = 6, AT_ENTRY = 9, AT_SECURE = 23, AT_SYSINFO = 32 };

// The value of that type in the auxiliary vector, or 0.
static inline u32 auxv(const u32 *stack, u32 type)
{
    const u32 *at = stack + 1 + stack[0] + 1;

    while (*at++)
        ; // the environment
    for (; at[0]; at += 2)
        if (at[0] == type)
            return at[1];
    return 0;
}

// A number and six arguments, those that are missing 0.
#define CALL_WORDS     7
#define CALL(way, ...) way((const u32[CALL_WORDS]){ __VA_ARGS__ })

// int 0x80, and the function that AT_SYSINFO names.
static inline int by_int80(const u32 *call)
{
    int result;

    __asm__ volatile("push %%ebp\n\t"
                     "push %%ebx\n\t"
                     "push %%esi\n\t"
                     "push %%edi\n\t"
                     "mov 4(%%eax), %%ebx\n\t"
                     "mov 8(%%eax), %%ecx\n\t"
                     "mov 12(%%eax), %%edx\n\t"
                     "mov 16(%%eax), %%esi\n\t"
                     "mov 20(%%eax), %%edi\n\t"
                     "mov 24(%%eax), %%ebp\n\t"
                     "mov (%%eax), %%eax\n\t"
                     "int $0x80\n\t"
                     "pop %%edi\n\t"
                     "pop %%esi\n\t"
                     "pop %%ebx\n\t"
                     "pop %%ebp"
                     : "=a"(result)
                     : "a"(call)
                     : "ecx", "edx", "memory");
    return result;
}

static u32 kernel_vsyscall; // 0 until somebody has looked

static inline int by_page(const u32 *call)
{
    int result;

    __asm__ volatile("push %%ebp\n\t"
                     "push %%ebx\n\t"
                     "push %%esi\n\t"
                     "push %%edi\n\t"
                     "push %[way]\n\t"
                     "mov 4(%%eax), %%ebx\n\t"
                     "mov 8(%%eax), %%ecx\n\t"
                     "mov 12(%%eax), %%edx\n\t"
                     "mov 16(%%eax), %%esi\n\t"
                     "mov 20(%%eax), %%edi\n\t"
                     "mov 24(%%eax), %%ebp\n\t"
                     "mov (%%eax), %%eax\n\t"
                     "call *(%%esp)\n\t"
                     "pop %%edi\n\t"
                     "pop %%edi\n\t"
                     "pop %%esi\n\t"
                     "pop %%ebx\n\t"
                     "pop %%ebp"
                     : "=a"(result)
                     : "a"(call), [way] "r"(kernel_vsyscall)
                     : "ecx", "edx", "memory");
    return result;
}

static inline u32 length(const char *text)
{
    u32 n = 0;

    while (text[n])
        n++;
    return n;
}

static inline void say(const char *text)
{
    CALL(by_int80, 4, 1, (u32)text, length(text));
}

static inline void say_number(int number)
{
    char digits[12];
    char *at = &digits[11];
    u32 rest = number < 0 ? -(u32)number : (u32)number;

    *at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    say(at);
}

static inline void tell(const char *what, int number)
{
    say(what);
    say(": ");
    say_number(number);
    say("\n");
}
