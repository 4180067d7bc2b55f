// Programs that do nothing wrong. One lives as long as the kernel, and finds in each round what it had in
// the last; others begin, and find nothing of anybody's.

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/segments.h>
#include <arch/vectors.h>
#include <kernel/demand.h>
#include <kernel/hostile/honest.h>
#include <kernel/hostile/hostile.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/string.h>

// The legacy region of XSAVE's area and what follows it. SDM vol. 1, sections 10.5.1 and 13.4.
enum {
    FCW = 0,
    MXCSR = 24,
    ST = 32,
    XMM = 160,
    LEGACY_END = 416,
    XSTATE_BV = 512,
    YMM = 576,
    YMM_END = 832,
    X87_AND_SSE = 3,
    AVX = 4,
    PARENT = 1, // who starts programs: the kernel
    RAX = 0,
    RSP = 4,
};
#define CPUID_OSXSAVE (1u << 27) // of leaf 1, ecx
#define LEGIT_FLAGS                                                                              \
    (RFLAGS_CF | RFLAGS_DF | RFLAGS_AC | 1ul << 21 | 1ul << 2 | 1ul << 4 | 1ul << 6 | 1ul << 7 | \
     1ul << 11)

extern const struct flat honest_program;

static struct task *task;     // the one that lives
static struct found expected; // by it, in the next round
static u64 random = 1;
static bool xsave, avx;

static struct found *page_of(const struct task *of)
{
    u64 *entry = paging_entry(of->space->tables, FLAT_DATA);

    return entry ? direct_map(*entry & PTE_ADDRESS) : NULL;
}

// A new one, whose page of data is there.
static struct task *new_honest(void)
{
    struct task *new = process_new("honest");

    if (!new || flat_load(new, &honest_program) != 0 ||
        demand_fault(new->space, FLAT_DATA, ACCESS_USER | ACCESS_WRITE, false) != 0)
        panic("no memory for an honest program");
    new->user.fs_base = FLAT_DATA + offsetof(struct found, fs_word);
    new->user.gs_base = FLAT_DATA + offsetof(struct found, gs_word);
    page_of(new)->xsave = xsave;
    return new;
}

// Runs it once round.
static bool runs(struct task *of, const char **complaint)
{
    of->end.ended = false;
    task_run(of);
    *complaint = "it ends otherwise than by its INT3";
    return of->end.ended && of->end.vector == VECTOR_BP;
}

static bool same(const struct found *found, const struct found *wanted, const char **complaint)
{
    *complaint = "general registers";
    if (!same_words(found->registers, wanted->registers, sizeof(found->registers)))
        return false;
    *complaint = "flags";
    if (found->flags != wanted->flags)
        return false;
    *complaint = "segment registers";
    if (!same_words(found->segment, wanted->segment, sizeof(found->segment)))
        return false;
    *complaint = "what its FS and GS point to";
    if (found->at_fs != wanted->fs_word || found->at_gs != wanted->gs_word)
        return false;
    *complaint = "results of calls";
    if (found->parent[0] != wanted->parent[0] || found->parent[1] != wanted->parent[1])
        return false;
    *complaint = "control registers of x87 and SSE";
    if (*(const u16 *)&found->fpu[FCW] != *(const u16 *)&wanted->fpu[FCW] ||
        *(const u32 *)&found->fpu[MXCSR] != *(const u32 *)&wanted->fpu[MXCSR])
        return false;
    *complaint = "registers of x87 and SSE";
    if (!same_words(&found->fpu[ST], &wanted->fpu[ST], LEGACY_END - ST))
        return false;
    *complaint = "upper halves of the AVX registers";
    return !avx || same_words(&found->fpu[YMM], &wanted->fpu[YMM], YMM_END - YMM);
}

// ---- the one that lives ----------------------------------------------------------------------------

static void fill(void *at, size_t size)
{
    for (size_t i = 0; i < size / sizeof(u64); i++)
        ((u64 *)at)[i] = random_next(&random);
}

// x87's registers are 10 bytes in 16; the others are 0 when they are saved.
static void fill_fpu(u8 *area)
{
    *(u16 *)&area[FCW] = 0x037f;
    *(u32 *)&area[MXCSR] = 0x1f80;
    fill(&area[ST], LEGACY_END - ST);
    for (size_t at = ST; at < XMM; at += 16)
        memset(&area[at + 10], 0, 6);
    if (!xsave)
        return;
    *(u64 *)&area[XSTATE_BV] |= X87_AND_SSE | (avx ? AVX : 0);
    if (avx)
        fill(&area[YMM], YMM_END - YMM);
}

static u64 *slot(struct pt_regs *regs, unsigned number)
{
    u64 *const slots[] = { &regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
                           &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                           &regs->r12, &regs->r13, &regs->r14, &regs->r15 };

    return slots[number];
}

// Other values everywhere, which it is to find in the next round.
static void prepare_round(void)
{
    struct pt_regs *regs = task_regs(task);
    struct found *page = page_of(task);

    fill(expected.registers, sizeof(expected.registers));
    for (unsigned i = 0; i < 16; i++)
        *slot(regs, i) = expected.registers[i];
    regs->rflags = RFLAGS_FIXED | RFLAGS_IF | (random_next(&random) & LEGIT_FLAGS);
    expected.flags = regs->rflags;
    page->fs_word = expected.fs_word = random_next(&random);
    page->gs_word = expected.gs_word = random_next(&random);
    fill_fpu(task->user.fpu);
    copy_words(expected.fpu, task->user.fpu, YMM_END);
}

bool honest_goes_on(const char **complaint)
{
    if (!runs(task, complaint) || !same(page_of(task), &expected, complaint))
        return false;
    prepare_round();
    return true;
}

// ---- those that begin ------------------------------------------------------------------------------

static const struct found at_first = {
    .registers = { [RSP] = FLAT_STACK },
    .flags = RFLAGS_FIXED | RFLAGS_IF,
    .segment = { USER_CS, USER_DS },
    .parent = { PARENT, PARENT },
    .fpu = { [FCW] = 0x7f, [FCW + 1] = 0x03, [MXCSR] = 0x80, [MXCSR + 1] = 0x1f },
};

bool honest_begins(const char **complaint)
{
    struct task *new = new_honest();
    bool good = runs(new, complaint) && same(page_of(new), &at_first, complaint);

    process_free(new);
    return good;
}

void honest_prepare(void)
{
    const char *complaint;

    xsave = cpuid(1, 0).ecx & CPUID_OSXSAVE;
    avx = xsave && cpuid(0xd, 0).eax & AVX;
    task = new_honest();
    expected.segment[0] = USER_CS;
    expected.segment[1] = USER_DS;
    expected.parent[0] = expected.parent[1] = PARENT;
    if (!runs(task, &complaint))
        panic("the honest program: %s", complaint);
    prepare_round();
}
