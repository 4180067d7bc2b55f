// The kernel's own tests: tasks that are given back and taken over, and those for which there is no memory.

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/tls.h>
#include <arch/vectors.h>
#include <kernel/demand.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/eaten.h>
#include <kernel/tests/programs.h>

enum { REGISTERS = 15, FPU_AT = 512 };

// FXSAVE's area. SDM vol. 1, table 10-2.
struct fpu {
    u16 control, status;
    u8 tags, reserved;
    u16 opcode;
    u64 instruction, operand;
    u32 mxcsr, mxcsr_mask;
    u8 registers[416 - 32]; // of x87 and SSE
};

static void expect_nothing_found(const struct task *task)
{
    const struct pt_regs *regs = &task->end.regs;
    const u64 *data = program_page(task, FLAT_DATA);
    const struct fpu *fpu = (const void *)&data[FPU_AT / sizeof(u64)];
    static const u8 zeroes[sizeof(fpu->registers)];

    report_equal(regs->rax, 0, "selectors, one with another");
    report_equal(regs->rcx, 0, "words of data and stack, one with another");
    report_equal(data[1], RFLAGS_FIXED | RFLAGS_IF, "rflags");
    for (unsigned i = 0; i < REGISTERS; i++)
        report_equal((&regs->r15)[i], 0, "general register %u", i);
    report_equal(fpu->control, 0x37f, "control word of the x87");
    report_equal(fpu->status, 0, "its status word");
    report_equal(fpu->tags, 0, "its tags");
    report_equal(fpu->instruction | fpu->operand | fpu->opcode, 0, "its last instruction");
    report_equal(fpu->mxcsr, 0x1f80, "MXCSR");
    report(!memcmp(fpu->registers, zeroes, sizeof(zeroes)), "registers of x87 and SSE are 0");
}

TEST(task_taken_over)
{
    struct task *first = program_new(&leaves_traces), *second;

    if (!first)
        return;
    first->user.gs_base = first->user.fs_base = FLAT_DATA;
    first->user.tls[0] = 1;
    report_count(program_run(first), VECTOR_UD, "it leaves traces and ends");
    task_free(first);

    second = program_new(&finds);
    if (!second)
        return;
    report_equal(second, first, "the task that was given back is taken again");
    report(!second->end.ended && !second->process,
           "neither an end nor a process of the first one's");
    report_equal(second->user.fs_base | second->user.gs_base | second->user.tls[0], 0,
                 "bases and segments of its own");
    report_count(program_run(second), VECTOR_BP, "it stops to be looked at");
    expect_nothing_found(second);
    report_equal(msr_read(MSR_KERNEL_GS_BASE), 0, "its GS base");
    report_equal(msr_read(MSR_FS_BASE), 0, "its FS base");
    task_free(second);
}

// With `rest` pages left. What it takes goes to the heap at most, and only the first time.
static bool made_with(size_t rest)
{
    struct eaten *eaten = memory_eat(rest);
    struct task *task = task_new("short of memory");
    size_t left;

    if (task) {
        memory_give_back(eaten);
        task_free(task);
        return true;
    }
    left = pages_available();
    report_equal(task_new("shorter"), NULL, "no task with %zu pages", left);
    report_count(pages_available(), left, "pages left by a task that was not made of %zu", rest);
    memory_give_back(eaten);
    return false;
}

// Every allocation of task_new fails once: those of a task that is new from the ground up, and those of one
// that is taken over. The first ones keep all that there are to be taken over.
TEST(task_without_memory)
{
    enum { MOST = 64, KEPT = 16 };
    struct task *kept[KEPT];
    size_t rest = 0;

    for (unsigned i = 0; i < KEPT; i++)
        kept[i] = task_new("kept");
    while (rest < MOST && !made_with(rest))
        rest++;
    report(rest > 4 && rest < MOST, "a new task is made of %zu pages", rest);
    for (rest = 0; rest < MOST && !made_with(rest);)
        rest++;
    report(rest > 1 && rest < 6, "one that is taken over, of %zu", rest);
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i])
            task_free(kept[i]);
}

// A program's selectors that mean nothing any more when it goes on.
TEST(selectors_that_are_gone)
{
    struct task *task = program_new(&finds);

    if (!task)
        return;
    task->user.ds = task->user.es = task->user.fs = task->user.gs = TLS_FIRST * 8 | 3;
    report_count(program_run(task), VECTOR_BP, "it runs all the same");
    report_equal(task->end.regs.rax, 0, "with null in their place");
    report_equal(msr_read(MSR_GS_BASE), (u64)this_cpu(), "GS base of the kernel");
    task_free(task);
}

// The CPU begins with a local descriptor table of 64 KiB at address 0.
TEST(no_local_descriptors)
{
    struct task *task = program_new(&local_descriptor);

    if (!task)
        return;
    report_count(program_run(task), VECTOR_GP, "a selector of a table that is not there");
    report_equal(task->end.error_code, 4, "the error code");
    task_free(task);
}

// From a program's frame to its end, with the stack at its deepest: a fault of the kernel's while it mends
// one of the program's.
static int fill_by_faulting(const struct region *region, u64 address, void *memory)
{
    (void)region;
    (void)address;
    memcpy(memory, (const char *)REGIONS_BASE, 1);
    return 0;
}

TEST(faults_inside_a_fault)
{
    const struct region kernels = { .start = REGIONS_BASE,
                                    .end = REGIONS_BASE + PAGE_SIZE,
                                    .rights = ACCESS_READ };
    const struct region users = { .start = FLAT_CODE,
                                  .end = FLAT_CODE + PAGE_SIZE,
                                  .rights = ACCESS_USER | ACCESS_READ | ACCESS_EXECUTE,
                                  .fill = fill_by_faulting };
    struct task *task = task_new("deep");

    if (!task || region_add(&kernel_space, &kernels) || region_add(task->space, &users)) {
        report(false, "memory for it");
        return;
    }
    user_frame_make(task_regs(task), FLAT_CODE, FLAT_STACK);
    report_count(program_run(task), VECTOR_PF, "its zeroes are `add [rax], al`, and rax is 0");
    report_equal(task->end.address, 0, "the address");
    task_free(task);
    regions_remove(&kernel_space, REGIONS_BASE, REGIONS_BASE + PAGE_SIZE);
}
