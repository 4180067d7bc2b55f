// Lab 09: system calls of 32-bit code, by every door that there is for them.

#include <arch/compat.h>
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "programs.h"

enum { REGISTERS = 15, ENOUGH = 3, RAX = 10, GETPID = 20 };

static const char *const register_names[REGISTERS] = { "r15", "r14", "r13", "r12", "rbp",
                                                       "rbx", "r11", "r10", "r9",  "r8",
                                                       "rax", "rcx", "rdx", "rsi", "rdi" };

static u64 *registers_of(struct pt_regs *regs)
{
    return &regs->r15;
}

static void fill_registers(struct pt_regs *regs)
{
    for (unsigned i = 0; i < REGISTERS; i++)
        registers_of(regs)[i] = test_pattern();
}

// A process with this program, or NULL with a complaint.
static struct task *program(const char *name, const struct flat *flat)
{
    struct task *task = process_new(name);
    int error = task ? flat_load(task, flat) : -ENOMEM;

    report_error(error, 0, "a process for program %s", name);
    return error ? NULL : task;
}

// The same in 32-bit code, with a stack that it can reach.
static struct task *program_32(const char *name, const struct flat *flat)
{
    struct task *task = program(name, flat);

    if (task) {
        task_regs(task)->cs = USER32_CS;
        task_regs(task)->rsp = FLAT_DATA + FLAT_DATA_SIZE;
        task->user.ds = task->user.es = USER_DS;
    }
    return task;
}

// ---- running them, from one INT3 to the next ----------------------------------------------------------

static struct pt_regs sent, seen;
static unsigned stops;

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    stops++;
    seen = *regs;
    task_stop();
}

// Every register is as the program had it, but rax.
static void expect_registers(const char *what)
{
    unsigned said = 0;

    for (unsigned i = 0; i < REGISTERS; i++)
        if (i != RAX && registers_of(&seen)[i] != registers_of(&sent)[i] && said++ < ENOUGH)
            report_equal(registers_of(&seen)[i], registers_of(&sent)[i], "%s: %s", what,
                         register_names[i]);
    report_equal(seen.rsp, sent.rsp, "%s: rsp", what);
}

// Lets the program run to its next INT3. Returns whether it got there.
static bool run(struct task *task)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, see);

    stops = 0;
    sent = *task_regs(task);
    task_run(task);
    trap_set_handler(VECTOR_BP, before);
    return stops == 1;
}

// ---- int 0x80 -------------------------------------------------------------------------------------------

TEST(int80)
{
    struct task *task = program("int80", &program_int80);

    if (!task)
        return;
    fill_registers(task_regs(task));
    task_regs(task)->rax = GETPID;
    report(run(task), "the program comes to the instruction behind int 0x80");
    report_equal(seen.rax, (u64)task->process->id, "rax after getpid");
    expect_registers("after int 0x80");
    process_free(task);
}

TEST(int80_32)
{
    struct task *task = program_32("int80_32", &program_int80_32);

    if (!task)
        return;
    fill_registers(task_regs(task));
    task_regs(task)->rax = GETPID;
    report(run(task), "the program comes to the instruction behind int 0x80");
    report_equal(seen.rax, (u64)task->process->id, "rax after getpid");
    expect_registers("after int 0x80");
    process_free(task);
}
