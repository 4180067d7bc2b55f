// The kernel's own tests: a thread's own segments.

#include <arch/percpu.h>
#include <arch/segments.h>
#include <arch/tls.h>
#include <arch/user.h>
#include <arch/vectors.h>
#include <kernel/errno.h>
#include <kernel/flat.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/test.h>
#include <kernel/traps.h>

enum { SET = 243, GET = 244 };
enum { FIRST = TLS_FIRST, LAST = TLS_FIRST + TLS_ENTRIES - 1 };
enum { PLAIN = 1 << 0 | 1 << 4 | 1 << 6, EMPTY = 1 << 3 | 1 << 5 }; // flags of struct user_desc

#define DESC  FLAT_DATA
#define VALUE (FLAT_DATA + 0x100)

// 32-bit code. 1: int 0x80. 2: loads GS with bx, and eax from GS:ecx. An INT3 behind each.
static const char code_1[] = { (char)0xcd, (char)0x80, (char)0xcc, (char)0xeb, (char)0xfb };
static const char code_2[] = { (char)0x8e, (char)0xeb, 0x65,       (char)0x8b,
                               0x01,       (char)0xcc, (char)0xeb, (char)0xf8 };
static const struct flat calls = { code_1, code_1 + sizeof(code_1) };
static const struct flat reads = { code_2, code_2 + sizeof(code_2) };

static bool stopped;

static void stop(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    stopped = true;
    task_stop();
}

static struct task *program(const struct flat *flat)
{
    struct task *task = process_new("segments");

    if (!task || flat_load(task, flat) < 0) {
        report(false, "a process");
        return NULL;
    }
    task_regs(task)->cs = USER32_CS;
    task_regs(task)->rsp = FLAT_DATA + FLAT_DATA_SIZE;
    task->user.ds = task->user.es = USER_DS;
    return task;
}

// To its INT3; whether it got there.
static bool run(struct task *task)
{
    trap_handler *before = trap_set_handler(VECTOR_BP, stop);

    stopped = false;
    task_run(task);
    trap_set_handler(VECTOR_BP, before);
    return stopped;
}

static void put(struct task *task, u64 address, u32 value)
{
    space_switch(task->space);
    report_error(user_put32(address, value), 0, "a word for the program");
    space_switch(&kernel_space);
}

static u32 get(struct task *task, u64 address)
{
    u32 value;

    space_switch(task->space);
    report_error(user_get32(address, &value), 0, "a word of the program's");
    space_switch(&kernel_space);
    return value;
}

static int call(struct task *task, unsigned number, u64 address)
{
    task_regs(task)->rax = number;
    task_regs(task)->rbx = address;
    report(run(task), "the program comes back from its call");
    return (int)task_regs(task)->rax;
}

static int set(struct task *task, u32 entry, u32 base, u32 limit, u32 flags)
{
    const u32 desc[] = { entry, base, limit, flags };

    for (unsigned i = 0; i < array_length(desc); i++)
        put(task, DESC + 4 * i, desc[i]);
    return call(task, SET, DESC);
}

// All three, then no more; one given back; others' numbers.
TEST(thread_areas)
{
    struct task *task = program(&calls);

    if (!task)
        return;
    for (u32 i = FIRST; i <= LAST; i++) {
        report_error(set(task, -1u, 0x1234000 + i, 0xfffff, PLAIN), 0, "set_thread_area");
        report_count(get(task, DESC), i, "the entry that it gives");
    }
    report_error(set(task, -1u, 0, 0xfffff, PLAIN), -ESRCH, "a fourth one");
    report_error(set(task, FIRST - 1, 0, 0xfffff, PLAIN), -EINVAL, "entry 11");
    report_error(set(task, LAST + 1, 0, 0xfffff, PLAIN), -EINVAL, "entry 15");
    report_error(set(task, FIRST, 0, 0xfffff, PLAIN & ~1u), -EINVAL, "a segment of 16 bits");
    report_error(set(task, FIRST, 0, 0xfffff, PLAIN | 1 << 2), -EINVAL, "code");
    report_error(set(task, FIRST, 0, 0xfffff, PLAIN | 1 << 5), -EINVAL, "one that is not present");
    report_error(set(task, FIRST + 1, 0, 0, EMPTY), 0, "taking one away");
    report_equal(task->user.tls[1], 0, "its descriptor then");
    report_error(call(task, SET, 8), -EFAULT, "set_thread_area(8)");
    report_error(call(task, GET, 8), -EFAULT, "get_thread_area(8)");

    put(task, DESC, LAST);
    report_error(call(task, GET, DESC), 0, "get_thread_area");
    report_equal(get(task, DESC + 4), 0x1234000 + LAST, "base");
    report_equal(get(task, DESC + 8), 0xfffff, "limit");
    report_equal(get(task, DESC + 12), PLAIN, "flags");
    put(task, DESC, FIRST + 1);
    report_error(call(task, GET, DESC), 0, "get_thread_area of an empty one");
    report_equal(get(task, DESC + 12), EMPTY, "flags of an empty one");
    process_free(task);
}

static void expect_read(struct task *task, u32 value, const char *what)
{
    task_regs(task)->rbx = 8 * FIRST | 3;
    task_regs(task)->rcx = 0;
    report(run(task), "%s: it reads by GS", what);
    report_equal(task_regs(task)->rax, value, "%s: the word at GS:0", what);
}

// Two programs with the same selector, by turns.
TEST(thread_areas_of_two)
{
    struct task *one = program(&reads), *other = program(&reads);

    if (!one || !other)
        return;
    one->user.tls[0] =
        tls_descriptor(&(struct tls_segment){ .base = VALUE, .limit = 0xfffff, .pages = true });
    other->user.tls[0] = tls_descriptor(&(struct tls_segment){ .base = VALUE + 4, .limit = 3 });
    put(one, VALUE, 0x1111);
    put(other, VALUE + 4, 0x2222);
    for (unsigned i = 0; i < 3; i++) {
        expect_read(one, 0x1111, "the first");
        expect_read(other, 0x2222, "the second");
    }
    report_equal(one->user.gs, 8 * FIRST | 3, "its GS");

    one->user.tls[0] = 0; // what GS names is gone
    report(!run(one), "without the descriptor the program ends");
    report_equal(one->end.vector, VECTOR_GP, "by vector");
    report_equal(one->user.gs, 0, "and its GS is null");
    process_free(one);
    process_free(other);
}
