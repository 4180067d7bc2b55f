// The kernel's own tests: what a trace of system calls prints.

#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/file.h>
#include <kernel/flat.h>
#include <kernel/print.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#define TEXT  FLAT_DATA
#define INTO  (FLAT_DATA + 4096)
#define THERE ((u64)-100) // AT_FDCWD

static const char code[] = { 0x0f, 0x05, (char)0xcc }; // SYSCALL, INT3
static const struct flat program = { code, code + sizeof(code) };

static char line[256];
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

// What is printed when the program makes the call, whose first argument that is an address leads to `text`.
static void expect_line(const char *expected, const char *text, size_t size, u64 number, u64 a,
                        u64 b, u64 c, u64 d)
{
    struct task *task = process_new("traced");
    struct file *file = capture_new("typed\n", 6, 64);
    trap_handler *before = trap_set_handler(VECTOR_BP, stop);
    syscall_tracer *tracer = syscall_tracer_now;
    print_writer *writer;

    if (!task || !file || flat_load(task, &program))
        return;
    files_set(task->process->files, 0, file, false);
    space_switch(task->space);
    report_count(copy_to_user(TEXT, text, size), 0, "bytes that are not the program's");
    space_switch(&kernel_space);
    *task_regs(task) = (struct pt_regs){
        .rax = number,
        .rdi = a,
        .rsi = b,
        .rdx = c,
        .r10 = d,
        .rip = task_regs(task)->rip,
        .cs = task_regs(task)->cs,
        .rflags = task_regs(task)->rflags,
        .rsp = task_regs(task)->rsp,
        .ss = task_regs(task)->ss,
    };
    length = 0;
    line[0] = '\0';
    syscall_tracer_now = strace;
    writer = print_to(collect);
    task_run(task);
    print_to(writer);
    syscall_tracer_now = tracer;
    trap_set_handler(VECTOR_BP, before);
    report(!strcmp(line, expected), "it prints %s, and not %s", expected, line);
    process_free(task);
}

TEST(strace_lines)
{
    static const char odd[] = "tab\t, \"quotes\", \\, \001 and more than there is room for";

    expect_line("getppid() = 1\n", "", 0, 110, 0, 0, 0, 0);
    expect_line("openat(AT_FDCWD, \"/none\", O_RDONLY|O_CLOEXEC, 0640) = -1 ENOENT\n", "/none", 6,
                257, THERE, TEXT, O_CLOEXEC, 0640);
    expect_line("open(0x8, O_RDWR|O_CREAT|O_TRUNC, 01777) = -1 EFAULT\n", "", 0, 2, 8,
                O_RDWR | O_CREAT | O_TRUNC, 01777, 0);
    expect_line("write(9, \"tab\\t, \\\"quotes\\\", \\\\, \\x01 and more th\"..., 50) = -1 EBADF\n",
                odd, sizeof(odd), 1, 9, TEXT, 50, 0);
    expect_line("read(0, \"typed\\n\", 100) = 6\n", "", 0, 0, 0, INTO, 100, 0);
    expect_line("mmap(NULL, 0, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|0x80000000, 0, 0x0) "
                "= -1 EINVAL\n",
                "", 0, 9, 0, 0, 3, 0x80000022);
    expect_line("mprotect(0x1000, 4096, PROT_NONE) = -1 ENOMEM\n", "", 0, 10, 4096, 4096, 0, 0);
    expect_line("syscall_1000(0x1, 0x2, 0x3, 0x4, 0x0, 0x0) = -1 ENOSYS\n", "", 0, 1000, 1, 2, 3,
                4);
    expect_line("exit_group(3) = ?\n", "", 0, 231, 3, 0, 0, 0);
}
