// Lab 05: stacks that are there whatever RSP was, and what can be told of them afterwards.

#include <arch/cpu.h>
#include <arch/injector.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/symbols.h>
#include <kernel/test.h>
#include <kernel/traps.h>

#include "triggers.h"

#define NOWHERE (STACKS_BASE + (1ul << 30) + 0x123) // no page here, and no multiple of anything

#define SEND_NMI (COMMAND_NMI | COMMAND_ASSERT) // to whom: the other half of the register

enum { ENOUGH = 3 }; // complaints; more of them would say nothing new

// ---- pages ----------------------------------------------------------------------------------------

static u64 entry_of(const char *address)
{
    u64 *entry = paging_entry(kernel_tables, (u64)address);

    return entry ? *entry : 0;
}

// A stack of the kernel's: `size` bytes that can be written and not executed, each page another
// one's, and below them nothing.
static void expect_stack(const struct stack *stack, size_t size, const char *name)
{
    report_equal(stack->top - stack->low, size, "%s: bytes from low to top", name);
    report_equal((u64)stack->low % PAGE_SIZE, 0, "%s: low mod the size of a page", name);
    report_equal((u64)stack->guard, (u64)stack->low - PAGE_SIZE, "%s: guard, the page below low",
                 name);
    report((u64)stack->guard >= STACKS_BASE, "%s: it lies at STACKS_BASE or above", name);
    report_equal(entry_of(stack->low - PAGE_SIZE), 0, "%s: page table entry of the page below low",
                 name);
    for (const char *page = stack->low; page < stack->low + size; page += PAGE_SIZE) {
        u64 entry = entry_of(page);

        report(entry & PTE_PRESENT, "%s: the page at low + 0x%lx is mapped", name,
               (u64)(page - stack->low));
        if (!(entry & PTE_PRESENT))
            continue;
        report_equal(entry & (PTE_WRITABLE | PTE_USER | PTE_NO_EXECUTE),
                     PTE_WRITABLE | PTE_NO_EXECUTE,
                     "%s: rights (writable 0x2, user 0x4, no execute bit 63)", name);
        for (const char *other = stack->low; other < page; other += PAGE_SIZE)
            report((entry_of(other) ^ entry) & PTE_ADDRESS,
                   "%s: a page of memory of its own at low + 0x%lx", name,
                   (u64)(page - stack->low));
    }
    report_equal((u64)stack_at((u64)stack->top - 1), (u64)stack,
                 "%s: what stack_at knows of its last byte", name);
}

static bool disjoint(const struct stack *a, const struct stack *b)
{
    return a->top <= b->guard || b->top <= a->guard;
}

static u64 fault_address;
static unsigned faults;

static void note_fault(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    fault_address = read_cr2();
    faults++;
    trigger_escape();
}

// Writes to `address`. Returns whether that was a page fault.
static bool faults_at(const char *address)
{
    trap_handler *before = trap_set_handler(VECTOR_PF, note_fault);
    struct run run = { .in_rflags = RFLAGS_FIXED };

    faults = 0;
    run.in[REGISTER_RAX] = (u64)address;
    trigger_run(&run, &trigger_store);
    trap_set_handler(VECTOR_PF, before);
    return faults == 1 && fault_address == (u64)address;
}

// Takes all pages but one and gives them back: each holds the address of the one before it.
static u64 **take_all_but_one(void)
{
    u64 **list = NULL;

    while (pages_available() > 1) {
        u64 **page = pages_allocate(1);

        *page = (u64 *)list;
        list = page;
    }
    return list;
}

static void give_back(u64 **list)
{
    while (list) {
        u64 **next = (u64 **)*list;

        pages_free(list, 1);
        list = next;
    }
}

static void without_memory(void)
{
    static struct stack stack = { .name = "stack without memory" };
    u64 **list = take_all_but_one();
    int got = stack_make(&stack, 3 * PAGE_SIZE);
    size_t left = pages_available();

    give_back(list);
    report_error(got, -ENOMEM, "stack_make of three pages with one page of memory left");
    report_count(left, 1, "pages of memory left then");
}

TEST_BEFORE(INIT_IST, guard_page)
{
    static struct stack first = { .name = "first" }, second = { .name = "second" };
    size_t pages = pages_available();

    report_equal(stack_make(&first, 3 * PAGE_SIZE), 0, "stack_make");
    report_equal(stack_make(&second, PAGE_SIZE), 0, "stack_make, a second time");
    expect_stack(&first, 3 * PAGE_SIZE, "first stack");
    expect_stack(&second, PAGE_SIZE, "second stack");
    report(disjoint(&first, &second), "stacks and guard pages have nothing in common");
    report(pages - pages_available() >= 4, "four pages of memory, at least, are taken");
    report((entry_of(first.low) ^ entry_of(second.low)) & PTE_ADDRESS,
           "each stack has memory of its own");
    report(!faults_at(first.low) && !faults_at(first.top - sizeof(u32)),
           "first and last bytes can be written");
    report(faults_at(first.low - sizeof(u32)), "#PF at the last bytes below the first stack");
    report(faults_at(second.low - sizeof(u32)), "#PF at the last bytes below the second stack");
    without_memory();
}

// ---- TSS and gates --------------------------------------------------------------------------------

static const struct stack *stack_with_top(const struct stack *stacks, u64 top)
{
    for (unsigned i = 0; i < IST_STACKS; i++)
        if ((u64)stacks[i].top == top)
            return &stacks[i];
    return NULL;
}

// Slot by slot; where one holds something of another stack, or another place of its own, says so.
static void expect_slots(const struct tss *tss, const struct stack *stacks)
{
    for (unsigned i = 0; i < TSS_IST_STACKS; i++) {
        u64 expected = i < IST_STACKS ? (u64)stacks[i].top : 0;
        const struct stack *other = stack_with_top(stacks, tss->ist[i]);
        const char *is = "";

        if (i < IST_STACKS && tss->ist[i] == (u64)stacks[i].low)
            is = " (it holds the stack's lowest address)";
        else if (other && other != &stacks[i])
            is = " (it holds another one's)";
        report_equal(tss->ist[i], expected, "TSS, IST %u, %s%s%s", i + 1,
                     i < IST_STACKS ? "the top of the " : "which is not used",
                     i < IST_STACKS ? ist_stacks[i].name : "", is);
    }
    report_equal(tss->io_map, sizeof(*tss), "TSS, I/O map base");
}

static void prepare_without_memory(void)
{
    static struct stack stacks[IST_STACKS];
    static struct tss tss;
    u64 **list = take_all_but_one();
    int got = ist_prepare(&tss, stacks);

    give_back(list);
    report_error(got, -ENOMEM, "ist_prepare with one page of memory left");
}

TEST_BEFORE(INIT_IST, tss_slots)
{
    static struct stack stacks[IST_STACKS] = {
        { .name = "test's #DF" },
        { .name = "test's NMI" },
        { .name = "test's #DB" },
        { .name = "test's #MC" },
    };
    static struct {
        struct tss tss;
        u64 behind;
    } block = { .tss.io_map = sizeof(struct tss) };

    report_equal(ist_prepare(&block.tss, stacks), 0, "ist_prepare");
    for (unsigned i = 0; i < IST_STACKS; i++)
        expect_stack(&stacks[i], IST_STACK_SIZE, ist_stacks[i].name);
    expect_slots(&block.tss, stacks);
    report_equal(block.behind, 0, "what lies behind the TSS");
    prepare_without_memory();
}

static u64 stub_of(unsigned vector)
{
    for (const struct entry_stub *stub = entry_stubs_start; stub != entry_stubs_end; stub++)
        if (stub->vector == vector)
            return stub->address;
    return 0;
}

// Field by field, so that a hint can tell them apart.
static bool gate_right(unsigned vector, unsigned ist, bool aloud)
{
    struct gate got = idt[vector];
    struct gate wanted = stub_of(vector)
                             ? gate_make(stub_of(vector), ist, GATE_INTERRUPT, vectors[vector].ring)
                             : (struct gate){ .ist = (u8)ist };
    u64 offset = got.offset_15_0 | (u64)got.offset_31_16 << 16 | (u64)got.offset_63_32 << 32;

    if (!memcmp(&got, &wanted, sizeof(got)))
        return true;
    if (!aloud)
        return false;
    report_equal(got.ist, wanted.ist, "gate %u (%s): IST", vector, vectors[vector].name);
    report_equal(got.attributes, wanted.attributes, "gate %u (%s): present, DPL, type", vector,
                 vectors[vector].name);
    report_place(offset, stub_of(vector), "gate %u (%s): offset", vector, vectors[vector].name);
    report_equal(got.selector, wanted.selector, "gate %u (%s): selector", vector,
                 vectors[vector].name);
    return false;
}

static void expect_gates(void)
{
    unsigned wrong = 0;

    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        wrong += !gate_right(vector, vectors[vector].ist, wrong < ENOUGH);
    report_count(wrong, 0, "gates that are not as vectors.def has them");
}

// The gates alone, while nothing can come through them: the TSS's slots are only made to look used.
TEST_BEFORE(INIT_IST, gates)
{
    struct tss *tss = &this_cpu()->tss;
    struct tss before = *tss;

    for (unsigned i = 0; i < IST_STACKS; i++)
        tss->ist[i] = (u64)boot_stack;
    idt_use_ist();
    expect_gates();
    *tss = before;
    for (unsigned vector = 0; vector < VECTORS_COUNT; vector++)
        idt[vector].ist = 0;
}

TEST(in_use)
{
    const struct stack *boot = stack_at((u64)boot_stack);

    expect_slots(&this_cpu()->tss, ist_stacks);
    for (unsigned i = 0; i < IST_STACKS; i++) {
        expect_stack(&ist_stacks[i], IST_STACK_SIZE, ist_stacks[i].name);
        report(disjoint(&ist_stacks[i], boot), "the %s is not the boot stack", ist_stacks[i].name);
        for (unsigned other = 0; other < i; other++)
            report(disjoint(&ist_stacks[i], &ist_stacks[other]),
                   "the %s and the %s have nothing in common", ist_stacks[other].name,
                   ist_stacks[i].name);
    }
    expect_gates();
    report(read_cr4() & CR4_MCE, "CR4.MCE: machine checks are reported");
}

// ---- one exception --------------------------------------------------------------------------------

// What a handler saw last.
static struct {
    unsigned count;
    struct pt_regs regs;
    u64 end; // of its frame
    const struct stack *stack;
} seen;

static void see(const struct pt_regs *regs)
{
    seen.count++;
    seen.regs = *regs;
    seen.end = (u64)(regs + 1);
    seen.stack = stack_at((u64)regs);
}

static const struct trigger *running;

// A handler that goes on behind the trigger if that has faulted.
static void pass(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    see(regs);
    regs->rflags &= ~RFLAGS_TF;
    if (vector == VECTOR_UD)
        regs->rip = (u64)running->next;
}

static void see_and_escape(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    see(regs);
    trigger_escape();
}

static struct run run_with(u64 rsp, u64 rflags)
{
    struct run run = { .in_rsp = rsp, .in_rflags = rflags | RFLAGS_FIXED };

    fill_registers(run.in);
    return run;
}

static void provoke(struct run *run, const struct trigger *trigger, unsigned vector,
                    trap_handler *handler)
{
    trap_handler *before = trap_set_handler(vector, handler);

    memset(&seen, 0, sizeof(seen));
    running = trigger;
    trigger_run(run, trigger);
    trap_set_handler(vector, before);
}

// An NMI to this CPU, sent with any RSP: without a stack no function can be called to write to the
// register of the local APIC.
static void provoke_nmi(struct run *run, trap_handler *handler)
{
    run->in[REGISTER_RAX] = (u64)local_apic_register(APIC_COMMAND_LOW);
    run->in[REGISTER_RCX] = SEND_NMI;
    local_apic_write(APIC_COMMAND_HIGH, local_apic_read(APIC_ID));
    provoke(run, &trigger_store, VECTOR_NMI, handler);
}

static void expect_on(enum ist ist, const struct run *run, const char *name)
{
    const struct stack *stack = &ist_stacks[ist - 1];

    report_count(seen.count, 1, "%s: how often", name);
    if (!seen.count)
        return;
    report_equal(seen.end, (u64)stack->top, "%s: end of its frame, the top of the %s", name,
                 stack->name);
    report_equal(seen.regs.rsp, run->in_rsp, "%s: rsp in the frame", name);
    report_equal(seen.regs.ss, KERNEL_DS, "%s: ss in the frame", name);
}

static void expect_back(const struct run *run, const char *name)
{
    report_equal(run->out_rsp, run->in_rsp, "%s: rsp after the return", name);
    report(!memcmp(run->in, run->out, sizeof(run->in)),
           "%s: registers after the return are as before", name);
}

static void on_its_stack(u64 rsp)
{
    struct run run = run_with(rsp, 0);

    provoke_nmi(&run, pass);
    expect_on(IST_NMI, &run, "NMI");
    expect_back(&run, "NMI");

    run = run_with(rsp, RFLAGS_TF);
    provoke(&run, &trigger_nothing, VECTOR_DB, pass);
    expect_on(IST_DB, &run, "#DB");
    report_place(seen.regs.rip, trigger_stepped, "#DB: rip in the frame");
    expect_back(&run, "#DB");
}

TEST(own_stacks)
{
    struct run run;

    on_its_stack(0);
    run = run_with(0, 0);
    provoke(&run, &trigger_ud, VECTOR_UD, pass);
    report_count(seen.count, 1, "#UD: how often");
    report(seen.stack && seen.stack == stack_at(run.in_rsp),
           "#UD stays on the stack that is in use");
    report_equal(seen.end, run.in_rsp & -16ul, "#UD: end of its frame, rsp rounded down");
}

// With an RSP that leads nowhere: whoever has an IST stack does not notice, and everybody else is #DF.
TEST(bad_rsp)
{
    struct run run;

    on_its_stack(NOWHERE);
    run = run_with(NOWHERE, 0);
    provoke(&run, &trigger_ud, VECTOR_DF, see_and_escape);
    expect_on(IST_DF, &run, "#UD that cannot be pushed, so #DF");
    report_equal(read_cr2(), (NOWHERE & -16ul) - sizeof(u64),
                 "#DF: CR2, where the push has failed");
}

// ---- an NMI at every instruction of an exception's way --------------------------------------------

static struct gate debug_gate_to(const char *entry)
{
    struct gate before = idt[VECTOR_DB];

    idt[VECTOR_DB] = gate_make((u64)entry, IST_DB, GATE_INTERRUPT, RING_KERNEL);
    return before;
}

// Every instruction from #UD's stub to its IRETQ, in `trace`, as the CPU itself takes them.
static void trace_exception(void)
{
    struct gate before = debug_gate_to(entry_trace);
    struct run run = run_with(0, 0);

    trace_count = 0;
    trace_end = (u64)trigger_ud.next;
    breakpoint_set(stub_of(VECTOR_UD));
    provoke(&run, &trigger_ud, VECTOR_UD, pass);
    idt[VECTOR_DB] = before;
}

static void expect_trace(void)
{
    static const u8 iretq[] = { 0x48, 0xcf };
    unsigned outside = 0;

    report(trace_count > 0 && trace_count < MOST_TRACED,
           "the way of #UD has between 1 and %u instructions", MOST_TRACED - 1);
    if (!trace_count)
        return;
    report_place(trace[0], stub_of(VECTOR_UD), "the first instruction of the way");
    report(!memcmp((const void *)trace[trace_count - 1], iretq, sizeof(iretq)),
           "the last one is IRETQ");
    for (u64 i = 0; i < trace_count; i++)
        outside += !in_entry_text(trace[i]);
    report(outside > 0 && outside < trace_count, "the way leads through entry code and through C");
    print("# %lu instructions, %lu of them entry code\n", trace_count, trace_count - outside);
}

static struct {
    struct stack spare; // for the second NMI
    u64 place;          // where it is to strike
    bool outer;
    unsigned count;
    u64 rip, end;
    struct run run;
} boundary = { .spare.name = "test's second NMI stack" };

// The first NMI: as long as it runs, others are held back. It orders one, and sees to it that the
// first IRETQ is that of a #DB at the place where the other is to strike.
static void order_nmi(void)
{
    struct tss *tss = &this_cpu()->tss;
    u64 before = tss->ist[IST_NMI - 1];

    tss->ist[IST_NMI - 1] = (u64)boundary.spare.top;
    nmi_self();
    breakpoint_set(boundary.place);
    provoke(&boundary.run, &trigger_ud, VECTOR_UD, pass);
    tss->ist[IST_NMI - 1] = before;
}

static void nmi_at_boundary(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    if (boundary.outer) {
        boundary.count++;
        boundary.rip = regs->rip;
        boundary.end = (u64)(regs + 1);
        return;
    }
    boundary.outer = true;
    order_nmi();
    boundary.outer = false;
}

static bool nmi_at(u64 place, bool aloud)
{
    bool right;

    boundary.place = place;
    boundary.count = 0;
    boundary.rip = boundary.end = 0;
    boundary.run = run_with(0, 0);
    nmi_self();
    right = boundary.count == 1 && boundary.rip == place &&
            boundary.end == (u64)boundary.spare.top && seen.count == 1 &&
            !memcmp(&seen.regs, boundary.run.in, sizeof(boundary.run.in)) &&
            boundary.run.out_rsp == boundary.run.in_rsp &&
            boundary.run.out_rflags == boundary.run.in_rflags &&
            !memcmp(boundary.run.out, boundary.run.in, sizeof(boundary.run.in));
    if (right || !aloud)
        return right;
    report_count(boundary.count, 1, "NMIs during a #UD");
    report_place(boundary.rip, place, "where the NMI struck");
    report_equal(boundary.end, (u64)boundary.spare.top,
                 "end of the NMI's frame, the top of its stack");
    report_count(seen.count, 1, "NMI at 0x%lx: times that the handler of #UD ran", place);
    report(!memcmp(&seen.regs, boundary.run.in, sizeof(boundary.run.in)),
           "NMI at 0x%lx: registers in the frame of #UD", place);
    expect_back(&boundary.run, "#UD with an NMI in it");
    return false;
}

static bool first_time(u64 index)
{
    for (u64 i = 0; i < index; i++)
        if (trace[i] == trace[index])
            return false;
    return true;
}

TEST(nmi_everywhere)
{
    struct gate gate;
    trap_handler *handler;
    unsigned wrong = 0;

    trace_exception();
    expect_trace();
    report_equal(stack_make(&boundary.spare, IST_STACK_SIZE), 0, "stack_make");
    gate = debug_gate_to(entry_stop);
    handler = trap_set_handler(VECTOR_NMI, nmi_at_boundary);
    wrong += !nmi_at((u64)trigger_ud.start, true);
    for (u64 i = 0; i < trace_count; i++)
        if (first_time(i))
            wrong += !nmi_at(trace[i], wrong < ENOUGH);
    wrong += !nmi_at((u64)trigger_ud.next, wrong < ENOUGH);
    trap_set_handler(VECTOR_NMI, handler);
    idt[VECTOR_DB] = gate;
    report_count(wrong, 0, "instructions at which an NMI went wrong");
}

// ---- one IST stack, entered twice -----------------------------------------------------------------

static void nothing(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
}

static void print_place(const char *what, const struct pt_regs *regs)
{
    const struct stack *stack = stack_at(regs->rsp);

    print("# %s: rip ", what);
    symbol_print(regs->rip);
    print(", rsp 0x%lx on the %s\n", regs->rsp, stack ? stack->name : "wrong stack");
}

// No fault of the lab's: it is what IST stacks do. Before lab 10 nothing prevents it.
TEST(entered_twice)
{
    trap_handler *breakpoint = trap_set_handler(VECTOR_BP, nothing);
    struct run run = run_with(0, 0);

    twice_register = local_apic_register(APIC_COMMAND_LOW);
    twice_command = SEND_NMI;
    provoke_nmi(&run, nmi_twice);
    trap_set_handler(VECTOR_BP, breakpoint);

    report_equal((u64)(twice_first + 1), (u64)ist_stacks[IST_NMI - 1].top,
                 "end of the first NMI's frame, the top of its stack");
    report_equal((u64)twice_second, (u64)twice_first,
                 "the second NMI's frame, where the first one's is");
    report_equal(twice_before.rsp, run.in_rsp, "rsp in the frame of the first NMI");
    report_equal((u64)stack_at(twice_after.rsp), (u64)&ist_stacks[IST_NMI - 1],
                 "overwritten: the stack that rsp lies in");
    report(symbol_at(twice_after.rip) == symbol_at((u64)nmi_twice),
           "overwritten: rip in the handler itself");
    print("# the frame of the first NMI, at 0x%lx\n", (u64)twice_first);
    print_place("before the second", &twice_before);
    print_place("behind the second", &twice_after);
    print("# IRETQ would go back into the handler, again and again\n");
}

// ---- machine checks -------------------------------------------------------------------------------

enum { BANK = 5 };                            // lab.toml says what is injected
#define INJECTED_STATUS  0xbc00000000000185ul // valid, uncorrected, enabled, with MISC and ADDR
#define INJECTED_ADDRESS 0x1234000ul
#define INJECTED_MISC    0x8cul

static struct machine_check_bank injected;
static u64 injected_global;

static void read_and_go_on(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    see(regs);
    injected_global = msr_read(MSR_MCG_STATUS);
    machine_check_read(BANK, &injected);
    do_machine_check(regs, error_code, vector);
}

TEST(machine_check)
{
    trap_handler *before = trap_set_handler(VECTOR_MC, read_and_go_on);
    struct machine_check_bank left;
    bool there;

    memset(&seen, 0, sizeof(seen));
    there = injector_knock();
    trap_set_handler(VECTOR_MC, before);
    if (!there) {
        skip("nobody injects a machine check here");
        return;
    }
    report_count(seen.count, 1, "#MC: how often");
    report_equal(seen.end, (u64)ist_stacks[IST_MC - 1].top,
                 "#MC: end of its frame, the top of the #MC stack");
    report_equal(injected_global, MCG_STATUS_RIPV | MCG_STATUS_MCIP, "MCG_STATUS");
    report_equal(injected.status, INJECTED_STATUS, "status of bank %u", BANK);
    report_equal(injected.address, INJECTED_ADDRESS, "address of bank %u", BANK);
    report_equal(injected.misc, INJECTED_MISC, "misc of bank %u", BANK);
    report(!machine_check_read(BANK, &left), "bank %u is empty afterwards", BANK);
    report_equal(msr_read(MSR_MCG_STATUS), 0,
                 "MCG_STATUS afterwards, so that the next one may come");
}

// The CPU says that its own state may be wrong.
TEST(machine_check_fatal)
{
    if (!injector_knock())
        skip("nobody injects a machine check here");
}

// ---- reports --------------------------------------------------------------------------------------

TEST(stack_overflow)
{
    overflow();
}

// RSP is lost in another way, and nobody is to blame a stack for it.
TEST(no_overflow)
{
    struct run run = run_with(NOWHERE, 0);

    trigger_run(&run, &trigger_ud);
}

// #UD cannot be delivered for want of a gate, and neither can #NP about that. RSP is well, and CR2 of
// a page fault that was over before.
TEST(stale_address)
{
    const struct stack *boot = stack_at((u64)boot_stack);
    struct run run = run_with(0, 0);

    report(faults_at(boot->low - sizeof(u64)), "#PF at the last bytes below the boot stack");
    idt[VECTOR_UD].attributes &= (u8)~GATE_PRESENT;
    idt[VECTOR_NP].attributes &= (u8)~GATE_PRESENT;
    trigger_run(&run, &trigger_ud);
}

enum { MOST_STEPS = 40 };

static struct {
    unsigned count;
    struct walk step[MOST_STEPS];
    u64 nmi_rip, debug_rip;
} walked;

static void walk_from_here(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    struct pt_regs here;
    struct walk walk;

    (void)error_code;
    (void)vector;
    walked.debug_rip = regs->rip;
    regs->rflags &= ~RFLAGS_TF;
    regs_capture(&here);
    walk_begin(&walk, &here);
    do
        walked.step[walked.count++] = walk;
    while (walked.count < MOST_STEPS && walk_next(&walk));
}

static void step_in_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)error_code;
    (void)vector;
    walked.nmi_rip = regs->rip;
    step_once();
}

// The first step of the walk, from `from` on, that is on another stack than the one before it.
static unsigned switch_from(unsigned from)
{
    unsigned i = from + 1;

    while (i < walked.count && walked.step[i].stack == walked.step[from].stack)
        i++;
    return i;
}

static bool passed_through(const void *function, const struct stack *stack)
{
    for (unsigned i = 0; i < walked.count; i++)
        if (symbol_at(walked.step[i].address) == symbol_at((u64)function) &&
            walked.step[i].stack == stack)
            return true;
    return false;
}

// RSP says on which stack something was interrupted; RBP may be anything, where code without a frame
// pointer runs.
static void expect_stack_of_rsp(void)
{
    const struct stack *boot = stack_at((u64)boot_stack);
    const struct stack *debug = &ist_stacks[IST_DB - 1], *nmi = &ist_stacks[IST_NMI - 1];
    struct pt_regs entered = {
        .rip = (u64)overflow,
        .rsp = (u64)boot->top - 64,
        .rbp = (u64)nmi->top - 64,
    };
    struct walk walk = { .address = (u64)trap, .stack = debug };

    walk_to_interrupted(&walk, &entered);
    report(walk.stack == boot,
           "with RSP on the boot stack and RBP on another: on to the boot stack");
    report(!walk.entered, "walk->entered is NULL in interrupted code");
}

static void test_backtrace(void);

// #DB in an NMI in this function: three stacks.
TEST(backtrace)
{
    trap_handler *debug = trap_set_handler(VECTOR_DB, walk_from_here);
    trap_handler *nmi = trap_set_handler(VECTOR_NMI, step_in_nmi);
    const struct stack *boot = stack_at((u64)boot_stack);
    unsigned on_nmi, on_boot;

    expect_stack_of_rsp();
    nmi_self();
    trap_set_handler(VECTOR_NMI, nmi);
    trap_set_handler(VECTOR_DB, debug);

    report(walked.count > 0 && walked.step[0].stack == &ist_stacks[IST_DB - 1],
           "it begins on the #DB stack");
    report(passed_through(walk_from_here, &ist_stacks[IST_DB - 1]),
           "the handler of #DB, on the #DB stack");
    report(passed_through(trap, &ist_stacks[IST_DB - 1]), "trap, on the #DB stack");
    on_nmi = switch_from(0);
    report(on_nmi < walked.count, "it leads from the #DB stack to another");
    if (on_nmi >= walked.count)
        return;
    report_place(walked.step[on_nmi].address, walked.debug_rip,
                 "behind the #DB stack, where #DB struck");
    report(walked.step[on_nmi].stack == &ist_stacks[IST_NMI - 1], "that is the NMI stack");
    report(passed_through(step_in_nmi, &ist_stacks[IST_NMI - 1]),
           "the handler of the NMI, on the NMI stack");
    on_boot = switch_from(on_nmi);
    report(on_boot < walked.count, "it leads from the NMI stack to another");
    if (on_boot >= walked.count)
        return;
    report_place(walked.step[on_boot].address, walked.nmi_rip,
                 "behind the NMI stack, where the NMI struck");
    report(walked.step[on_boot].stack == boot, "that is the boot stack");
    report(passed_through(test_backtrace, boot), "the test itself, on the boot stack");
    report_equal(switch_from(on_boot), walked.count, "the boot stack is the last one");
}

static void overflow_in_nmi(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    (void)regs;
    (void)error_code;
    (void)vector;
    overflow_by_far();
}

TEST(nmi_stack_overflow)
{
    trap_set_handler(VECTOR_NMI, overflow_in_nmi);
    nmi_self();
}
