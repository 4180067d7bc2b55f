// The kernel's own tests: the registers of x87, SSE and AVX, of programs that take turns.

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/vectors.h>
#include <kernel/demand.h>
#include <kernel/memory.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/tests/programs.h>

enum { ROUNDS = 5 };

#define CPUID_SSE41   (1u << 19) // of leaf 1, ecx
#define CPUID_OSXSAVE (1u << 27)
#define CPUID_AVX     (1u << 28)
#define CR4_SAVES     (CR4_OSFXSR | CR4_OSXMMEXCPT)

static bool cpu_has(u32 bits)
{
    return (cpuid(1, 0).ecx & bits) == bits;
}

// Two programs with their own values in the same registers, one after the other.
static void take_turns(const struct flat *flat)
{
    struct task *tasks[2] = { program_new(flat), program_new(flat) };

    if (!tasks[0] || !tasks[1])
        return;
    for (unsigned i = 0; i < 2; i++)
        task_regs(tasks[i])->rdi = (u32)test_pattern();
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < 2; i++) {
            report_count(program_run(tasks[i]), VECTOR_BP, "program %u stops", i);
            report_equal(tasks[i]->end.regs.rax, 0, "program %u, round %u: registers of another's",
                         i, round);
        }
    task_free(tasks[0]);
    task_free(tasks[1]);
}

TEST(fpu_kept)
{
    report_equal(read_cr4() & CR4_SAVES, CR4_SAVES, "CR4.OSFXSR and CR4.OSXMMEXCPT");
    report_equal(!!(read_cr4() & CR4_OSXSAVE), cpu_has(1u << 26), "CR4.OSXSAVE");
    if (cpu_has(CPUID_SSE41))
        take_turns(&keeps);
    else
        skip("this CPU has no PTEST");
}

TEST(fpu_avx_kept)
{
    if (cpu_has(CPUID_OSXSAVE | CPUID_AVX))
        take_turns(&keeps_avx);
    else
        skip("this CPU has no AVX");
}

// It is due when the kernel takes the registers away; it is raised when they are back, and by nobody else.
TEST(fpu_exception_owed)
{
    struct task *debtor = program_new(&owes_exception), *other = program_new(&breaks);

    if (!debtor || !other)
        return;
    report_count(program_run(debtor), VECTOR_BP, "it stops with an exception due");
    report_count(program_run(other), VECTOR_BP, "another program is not told");
    report_count(program_run(debtor), VECTOR_MF, "it is");
    task_free(debtor);
    task_free(other);
}

// What a program loads of that is its own mistake.
static void expect_refused(const struct flat *flat, size_t at, u32 value, const char *what)
{
    struct task *task = program_new(flat);
    u8 *page;

    if (!task)
        return;
    task_regs(task)->rdi = FLAT_DATA;
    demand_fault(task->space, FLAT_DATA, ACCESS_USER | ACCESS_WRITE, false);
    page = program_page(task, FLAT_DATA);
    *(u32 *)&page[at] = value;
    report_count(program_run(task), VECTOR_GP, "%s", what);
    task_free(task);
}

TEST(fpu_reserved_bits)
{
    enum { MXCSR = 24, XSTATE_BV = 512, XCOMP_BV = 520 };
    const u32 reserved = 1u << 31;

    expect_refused(&reserved_mxcsr, 0, reserved, "LDMXCSR with a reserved bit");
    expect_refused(&reserved_fxrstor, MXCSR, reserved, "FXRSTOR with one");
    if (!cpu_has(CPUID_OSXSAVE))
        return;
    expect_refused(&reserved_xrstor, XSTATE_BV + 4, reserved,
                   "XRSTOR of a state that there is not");
    expect_refused(&reserved_xrstor, XCOMP_BV, reserved, "XRSTOR with a reserved byte");
}

TEST(fpu_given_back)
{
    size_t before = pages_available();
    void *area = fpu_new();

    report(area, "an area");
    report(pages_available() < before, "takes pages");
    if (area)
        fpu_free(area);
    report_count(pages_available(), before, "free pages");
}
