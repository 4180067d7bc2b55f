// How many instructions the ways into the kernel and back take: `make bench` reads what this prints.
//
// A path begins with the first instruction after the CPU's push and ends with IRETQ, both included.
// Its trigger is run twice: through a gate that leads to a way in and out of known length, and
// through the kernel's own. What the two have in common, the trigger itself, cancels out, however
// the emulator counts an instruction that faults.

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/paging.h>
#include <entry/idt.h>
#include <kernel/bench/bench.h>
#include <kernel/exec.h>
#include <kernel/file.h>
#include <kernel/irq.h>
#include <kernel/print.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/traps.h>

struct path {
    const char *name; // in grading/bench.toml
    unsigned vector;
    counted *trigger;
    u64 rdi, rsi; // what the trigger wants in them
    const char *known;
    unsigned known_length;
    trap_handler *handler; // NULL: the kernel's own
};

// What the trigger costs through the gate of known length.
static u32 through(const struct path *path, const char *known)
{
    struct gate *gate = &idt[path->vector], kernels = *gate;
    u32 gained;

    *gate = gate_make((u64)known, kernels.ist & 7, GATE_INTERRUPT, RING_KERNEL);
    gained = path->trigger(path->rdi, path->rsi);
    *gate = kernels;
    return gained;
}

static u32 length(const struct path *path)
{
    trap_handler *before = trap_set_handler(path->vector, path->handler);
    u32 known = through(path, path->known), gained = path->trigger(path->rdi, path->rsi);

    trap_set_handler(path->vector, before);
    return gained - known + path->known_length;
}

static void tell(const char *name, u32 instructions)
{
    print("# path %s %u\n", name, instructions);
}

static void skip_ud2(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    regs->rip += 2;
}

static const struct path exception = {
    .name = "exception",
    .vector = VECTOR_UD,
    .trigger = count_ud2,
    .known = known_skip_ud2,
    .known_length = KNOWN_SKIP_UD2,
    .handler = skip_ud2,
};

// All the other figures stand on this.
TEST(the_counter_is_exact)
{
    u32 nothing = count_nothing(0, 0);

    report_count(count_one(0, 0) - nothing, 1, "one instruction");
    report_count(count_many(0, 0) - nothing, MANY, "a thousand in a row");
    report_count(count_loop(1, 0) - nothing, 3, "a loop, once");
    report_count(count_loop(MANY, 0) - nothing, 2 * MANY + 1, "a loop, a thousand times");
    report_count(through(&exception, known_skip_ud2_long) - through(&exception, known_skip_ud2),
                 KNOWN_SKIP_UD2_LONG - KNOWN_SKIP_UD2, "fifty more on the way in");
    report_count(length(&exception), length(&exception), "the same path again");
}

TEST(exception)
{
    tell(exception.name, length(&exception));
}

// Writes to pages that come on demand, without what zeroing them takes. The first page brings the page
// tables that all share.
TEST(page_fault)
{
    enum { PAGES = 4 };
    static const struct region region = {
        .start = REGIONS_BASE,
        .end = REGIONS_BASE + PAGES * PAGE_SIZE,
        .rights = ACCESS_READ | ACCESS_WRITE,
    };
    static u8 elsewhere;
    struct path path = {
        .vector = VECTOR_PF,
        .trigger = count_write,
        .rsi = (u64)&elsewhere,
        .known = known_elsewhere,
        .known_length = KNOWN_ELSEWHERE,
    };
    u32 clearing;

    report_equal(region_add(&kernel_space, &region), 0, "region_add");
    *(volatile u8 *)region.start = 1;
    clearing = count_clear(region.start, 0) - count_nothing(0, 0);

    path.rdi = region.start + PAGE_SIZE;
    tell("page_fault", length(&path) - clearing);

    path.rdi = region.start + 2 * PAGE_SIZE;
    (void)*(volatile u8 *)path.rdi;
    tell("copy_on_write", length(&path) - clearing);
}

static void no_step(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    regs->rflags &= ~RFLAGS_TF;
}

// A #DB on a stack of its own.
TEST(ist)
{
    static const struct path path = {
        .vector = VECTOR_DB,
        .trigger = count_step,
        .known = known_no_step,
        .known_length = KNOWN_NO_STEP,
        .handler = no_step,
    };

    report_equal(idt[VECTOR_DB].ist, IST_DB, "IST stack of #DB");
    tell("ist", length(&path));
}

static bool claim(struct pt_regs *regs, void *context)
{
    (void)regs;
    (void)context;
    return true;
}

// An interrupt that this CPU sends to itself; the handler has nothing to do.
TEST(interrupt)
{
    enum { VECTOR = 0x41 };
    struct path path = {
        .vector = VECTOR,
        .trigger = count_command,
        .rdi = (u64)local_apic_register(APIC_COMMAND_LOW),
        .rsi = COMMAND_ASSERT | VECTOR,
        .known = known_end,
        .known_length = KNOWN_END,
    };

    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
    report_equal(irq_request(VECTOR, "bench", claim, NULL), 0, "irq_request");
    tell("interrupt", length(&path));
    report_count(irqs[VECTOR].count, 1, "interrupts");
    irq_release("bench");
}

// ---- from ring 3 ---------------------------------------------------------------------------------------

// Tells the figures in `text`, lines of a name and a number, without `zeroing` where that is in one.
static void tell_lines(const char *text, size_t size, u32 zeroing)
{
    static const char suffix[] = "_and_zeroing";
    const char *end = text + size;

    while (text < end) {
        size_t length = 0;
        u32 figure = 0;
        char name[32];

        for (; text < end && *text != ' '; text++)
            if (length < sizeof(name) - 1)
                name[length++] = *text;
        for (text++; text < end && *text != '\n'; text++)
            figure = 10 * figure + (u32)(*text - '0');
        text++;
        if (length > sizeof(suffix) - 1 &&
            !strncmp(&name[length - (sizeof(suffix) - 1)], suffix, sizeof(suffix) - 1)) {
            length -= sizeof(suffix) - 1;
            figure -= zeroing;
        }
        name[length] = '\0';
        tell(name, figure);
    }
}

// userland/doors.c counts for itself, and Linux runs it, too.
TEST(ring3)
{
    static const char *const argv[] = { "doors", NULL }, *const none[] = { NULL };
    static u8 page[PAGE_SIZE];
    struct task *task = process_new("doors");
    struct file *capture = capture_new(NULL, 0, PAGE_SIZE);
    const char *text;
    size_t size;
    bool lost;

    report(task && capture, "a process and a file");
    if (!task || !capture)
        return;
    capture->users++;
    files_set(task->process->files, 1, capture, false);
    report_error(process_exec(task, "/bin/doors", argv, none), 0, "process_exec");
    task_run(task);
    report(task->end.exited && task->end.status == 0, "it has exited");
    text = capture_text(capture, &size, &lost);
    tell_lines(text, size, count_clear((u64)page, 0) - count_nothing(0, 0));
    process_free(task);
    file_put(capture);
}
