// Lab 08: system calls by SYSCALL.

#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/vectors.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "programs.h"

enum { REGISTERS = 15, GETPPID = 110 };

static struct pt_regs seen;

static void see(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    seen = *regs;
    task_stop();
}

TEST(returns)
{
    struct task *task = process_new("call");
    struct pt_regs sent;
    trap_handler *before = trap_set_handler(VECTOR_BP, see);

    if (!task || flat_load(task, &program_call) != 0)
        return;
    for (unsigned i = 0; i < REGISTERS; i++)
        (&task_regs(task)->r15)[i] = test_pattern();
    task_regs(task)->rax = GETPPID;
    sent = *task_regs(task);
    task_run(task);
    trap_set_handler(VECTOR_BP, before);
    report_equal(seen.rip, FLAT_CODE + 3, "rip behind SYSCALL and INT3");
    report_count(seen.rax, 1, "rax after getppid");
    report_equal(seen.rcx, FLAT_CODE + 2, "rcx");
    report_equal(seen.r15, sent.r15, "r15");
    report_equal(seen.rdi, sent.rdi, "rdi");
    report_equal(seen.rsp, sent.rsp, "rsp");
    process_free(task);
}
