// The kernel's own tests: what a trace of 32-bit code's system calls prints.

#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/flat.h>
#include <kernel/print.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/syscall32.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#define TEXT FLAT_DATA

static const char code[] = { (char)0xcd, (char)0x80, (char)0xcc }; // INT 0x80, INT3
static const struct flat program = { code, code + sizeof(code) };

static char line[128];
static size_t length;

static void collect(const void *text, size_t size)
{
    for (size_t i = 0; i < size && length < sizeof(line) - 1; i++)
        line[length++] = ((const char *)text)[i];
    line[length] = '\0';
}

static void stop(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    task_stop();
}

// With other things in the upper halves of all registers.
static void expect_line(const char *expected, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e)
{
    const u64 above = 0x1234567800000000;
    struct task *task = process_new("traced");
    trap_handler *before = trap_set_handler(VECTOR_BP, stop);
    syscall32_tracer *tracer = syscall32_tracer_now;
    print_writer *writer;
    struct pt_regs *regs;

    if (!task || flat_load(task, &program))
        return;
    space_switch(task->space);
    report_count(copy_to_user(TEXT, "/none", 6), 0, "bytes that are not the program's");
    space_switch(&kernel_space);
    regs = task_regs(task);
    regs->rax = above | number;
    regs->rbx = above | a;
    regs->rcx = above | b;
    regs->rdx = above | c;
    regs->rsi = above | d;
    regs->rdi = above | e;
    length = 0;
    line[0] = '\0';
    syscall32_tracer_now = strace32;
    writer = print_to(collect);
    task_run(task);
    print_to(writer);
    syscall32_tracer_now = tracer;
    trap_set_handler(VECTOR_BP, before);
    report(!strcmp(line, expected), "it prints %s, and not %s", expected, line);
    process_free(task);
}

TEST(strace32_lines)
{
    const u64 there = (u32)-100; // AT_FDCWD

    expect_line("getppid() = 1\n", 64, 0, 0, 0, 0, 0);
    expect_line("openat(AT_FDCWD, \"/none\", O_RDONLY, 0000) = -1 ENOENT\n", 295, there, TEXT, 0, 0,
                0);
    expect_line("lseek(9, -3, 2) = -1 EBADF\n", 19, 9, (u32)-3, 2, 0, 0);
    expect_line("llseek(9, 1, 2, 0x500000, 0) = -1 EBADF\n", 140, 9, 1, 2, TEXT, 0);
    expect_line("syscall_222(0x1, 0x2, 0x3, 0x4, 0x5, 0x0) = -1 ENOSYS\n", 222, 1, 2, 3, 4, 5);
    expect_line("exit_group(3) = ?\n", 252, 3, 0, 0, 0, 0);
}
