// Lab 10: something happens at one instruction of a path after the other.

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/percpu.h>
#include <arch/stack.h>
#include <cpu/ist.h>
#include <entry/idt.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/test.h>

#include "sweep.h"
#include "triggers.h"

enum { MARK_IST = 5, ARM_IST = 6 }; // stacks of the TSS that nobody uses

#define NO_OPCODE 0x06 // of one byte; PUSH ES, which 64-bit code does not have
#define NOWHERE   0x123456780ul

static struct gate gate_to(const char *entry, unsigned ist)
{
    return gate_make((u64)entry, ist, GATE_INTERRUPT, RING_KERNEL);
}

static void use_stacks(void)
{
    static struct stack stacks[] = { { .name = "test's #UD stack" },
                                     { .name = "test's NMI stack" } };
    struct tss *tss = &this_cpu()->tss;

    for (unsigned i = 0; i < array_length(stacks); i++) {
        if (!stacks[i].top)
            report_error(stack_make(&stacks[i], IST_STACK_SIZE), 0, "stack_make");
        tss->ist[MARK_IST + i - 1] = (u64)stacks[i].top;
    }
}

static void free_stacks(void)
{
    this_cpu()->tss.ist[MARK_IST - 1] = this_cpu()->tss.ist[ARM_IST - 1] = 0;
}

// ---- following a path -------------------------------------------------------------------------------

static bool listed(const u64 *places, unsigned count, u64 place)
{
    for (unsigned i = 0; i < count; i++)
        if (places[i] == place)
            return true;
    return false;
}

unsigned path_follow(const struct path *path, bool entry_code_only, u64 *places, unsigned most)
{
    struct gate before = idt[VECTOR_DB];
    unsigned count = 0;

    idt[VECTOR_DB] = gate_to(entry_trace, IST_DB);
    trace_count = 0;
    trace_end = path->end;
    trace_end_last = path->end_last;
    strike_at(path->start, path->is_nmi ? EVENT_TRACE_NMI : EVENT_TRACE, path->run);
    idt[VECTOR_DB] = before;
    report(trace_count > 0 && trace_count < MOST_TRACED,
           "%s: the way has between 1 and %u instructions", path->name, MOST_TRACED - 1);
    if (most)
        places[count++] = path->start; // by IRETQ the steps begin behind it
    for (u64 i = 0; i < trace_count && count < most; i++)
        if ((!entry_code_only || in_entry_text(trace[i])) && !listed(places, count, trace[i]))
            places[count++] = trace[i];
    return count;
}

// ---- striking ---------------------------------------------------------------------------------------

static struct {
    u64 place;
    u8 byte;
    enum event event;
    bool hit;
    struct gate nmi;
} mark;

// Into code, which is read-only for everybody else.
void sweep_poke(u64 place, u8 byte)
{
    u64 cr0 = read_cr0();

    write_cr0(cr0 & ~CR0_WP);
    *(volatile u8 *)place = byte;
    write_cr0(cr0);
}

// An NMI now would strike here. So: one that is not handled, from whose gate it is as long as that takes
// to reach it; while NMIs are blocked for it, the real one is sent; and the next IRETQ goes to the place.
static enum mark_way nmi_there(void)
{
    mark.nmi = idt[VECTOR_NMI];
    idt[VECTOR_NMI] = gate_to(entry_arm, ARM_IST);
    nmi_self();
    for (volatile int i = 0; i < 4; i++)
        continue;
    // Nothing came, so they are blocked; the one that was sent comes when it may.
    idt[VECTOR_NMI] = mark.nmi;
    return MARK_WITHOUT_IRETQ;
}

void mark_armed(void)
{
    idt[VECTOR_NMI] = mark.nmi;
    nmi_self();
}

static enum mark_way machine_check_there(void)
{
    struct gate gate = idt[VECTOR_MC];

    mark_mc_stack = percpu0.tss.ist[IST_MC - 1];
    mark_mc_entry = gate.offset_15_0 | (u64)gate.offset_31_16 << 16 | (u64)gate.offset_63_32 << 32;
    return MARK_AS_MC;
}

// On IRETQ: what that would load.
static void execute_iretq(struct mark_frame *frame)
{
    memcpy(&frame->rip, (const void *)frame->rsp, 5 * sizeof(u64));
}

enum mark_way mark_hit(struct mark_frame *frame)
{
    if (mark.hit)
        panic("#UD at 0x%lx, which is not the test's", frame->rip);
    mark.hit = true;
    frame->rip = mark.place; // Bochs has another one in an NMI's first instruction
    sweep_poke(mark.place, mark.byte);
    frame->rflags &= ~RFLAGS_RF; // it was set by a fault, and a breakpoint would be passed over
    switch (mark.event) {
    case EVENT_NMI:
        return nmi_there();
    case EVENT_NMI_IN_RING_3:
        execute_iretq(frame);
        return nmi_there();
    case EVENT_DB:
        breakpoint_set(mark.place);
        return MARK_IRETQ;
    case EVENT_MC:
        return machine_check_there();
    case EVENT_MC_IN_RING_3:
        execute_iretq(frame);
        return machine_check_there();
    case EVENT_NO_STACK:
        percpu0.tss.rsp[0] = NOWHERE;
        return MARK_IRETQ;
    case EVENT_TRACE:
        frame->rflags |= RFLAGS_TF;
        return MARK_IRETQ;
    case EVENT_TRACE_NMI:
        frame->rflags |= RFLAGS_TF;
        return MARK_WITHOUT_IRETQ;
    }
    return MARK_IRETQ;
}

bool strike_at(u64 place, enum event event, void (*run)(void))
{
    struct gate before = idt[VECTOR_UD];

    use_stacks();
    mark.place = place;
    mark.byte = *(const u8 *)place;
    mark.event = event;
    mark.hit = false;
    idt[VECTOR_UD] = gate_to(entry_mark, MARK_IST);
    sweep_poke(place, NO_OPCODE);
    run();
    if (!mark.hit)
        sweep_poke(place, mark.byte);
    idt[VECTOR_UD] = before;
    free_stacks();
    return mark.hit;
}
