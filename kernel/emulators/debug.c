// Rows: debug exceptions. SDM vol. 3, chapter 18.

#include <arch/cpu.h>
#include <kernel/emulators/fast_ways.h>
#include <kernel/emulators/row.h>

#define DR6_SAYS  0xe00ful // B0 to B3, BD, BS, BT
#define POST_PORT 0x80ul
#define ENOUGH    4 // events of one breakpoint, if it strikes again and again

enum on { ON_EXECUTION = 0, ON_WRITE = 1, ON_PORT = 2, ON_ACCESS = 3 };
enum length { ONE_BYTE = 0, EIGHT_BYTES = 2 };

typedef u64 code(u64 a, u64 b);
code two_nops, write_data, write_port, step_over_nop, int1, read_dr6;
code mov_ss_nop, mov_ss_int3, mov_ss_syscall, step_into_syscall, step_into_sysenter;
extern const char two_nops_second[], write_data_behind[], write_port_behind[],
    step_over_nop_behind[];
extern const char int1_behind[], stepped_entry[], read_dr6_at[], mov_ss_nop_between[],
    mov_ss_nop_behind[];
extern const char mov_ss_int3_between[], mov_ss_syscall_between[];
extern u64 stack_selector, written;

// Arms breakpoint 0; run() disarms it.
static void breakpoint(u64 address, enum on on, enum length length)
{
    asm volatile("mov dr0, %0" ::"r"(address));
    asm volatile("mov dr7, %0" ::"r"(0x401ul | (u64)on << 16 | (u64)length << 18));
}

// Lets whatever strikes strike once more without it: RF, and TF off.
static enum after go_on(struct pt_regs *regs, unsigned vector)
{
    if (vector == VECTOR_DB) {
        regs->rflags |= RFLAGS_RF;
        regs->rflags &= ~RFLAGS_TF;
    }
    return events < ENOUGH ? RESUME : GIVE_UP;
}

ROW(breakpoint_instruction)
{
    breakpoint((u64)two_nops_second, ON_EXECUTION, ONE_BYTE);
    run(two_nops, give_up, 0, 0);
    observed("%s%s, DR6 0x%lx", name_of(0), if_struck(0, two_nops_second, " at the instruction"),
             event[0].dr6 & DR6_SAYS);
}

ROW(breakpoint_resume_flag)
{
    breakpoint((u64)two_nops_second, ON_EXECUTION, ONE_BYTE);
    run(two_nops, go_on, 0, 0);
    observed(events == 1 ? "once" : "%u times", events);
}

ROW(breakpoint_data)
{
    breakpoint((u64)&written, ON_WRITE, EIGHT_BYTES);
    run(write_data, give_up, 0, 0);
    observed("%s%s, DR6 0x%lx", name_of(0),
             if_struck(0, write_data_behind, " behind the instruction"), event[0].dr6 & DR6_SAYS);
}

ROW(breakpoint_io)
{
    u64 cr4 = read_cr4();

    write_cr4(cr4 | CR4_DE);
    breakpoint(POST_PORT, ON_PORT, ONE_BYTE);
    run(write_port, give_up, 0, 0);
    write_cr4(cr4);
    observed("%s%s, DR6 0x%lx", name_of(0),
             if_struck(0, write_port_behind, " behind the instruction"), event[0].dr6 & DR6_SAYS);
}

ROW(single_step)
{
    run(step_over_nop, give_up, 0, 0);
    observed("%s%s, DR6 0x%lx, TF %s", name_of(0),
             if_struck(0, step_over_nop_behind, " behind the NOP"), event[0].dr6 & DR6_SAYS,
             event[0].flags & RFLAGS_TF ? "set" : "clear");
}

ROW(icebp)
{
    run(int1, give_up, 0, 0);
    observed("%s%s", name_of(0),
             struck(0, int1_behind) ? " behind the instruction" : " at the instruction");
}

ROW(dr7_general_detect)
{
    run(read_dr6, give_up, 0, 0);
    if (events)
        observed("%s%s, DR6 0x%lx", name_of(0), if_struck(0, read_dr6_at, " at the instruction"),
                 event[0].dr6 & DR6_SAYS);
    else
        observed("none");
}

// Where the first #DB struck, of those that the row can tell apart.
static void observe_db(const void *between, const void *where, const char *words)
{
    for (unsigned i = 0; i < events && i < EVENTS_KEPT; i++) {
        if (event[i].vector != VECTOR_DB)
            continue;
        if (struck(i, between))
            observed("#DB behind the MOV SS");
        else if (struck(i, where))
            observed("#DB %s", words);
        else
            observed("#DB elsewhere, 0x%lx", event[i].regs.rip);
        return;
    }
    observed("no #DB");
}

ROW(mov_ss_data_breakpoint)
{
    breakpoint((u64)&stack_selector, ON_ACCESS, EIGHT_BYTES);
    run(mov_ss_nop, go_on, 0, 0);
    observe_db(mov_ss_nop_between, mov_ss_nop_behind, "behind the NOP");
}

ROW(mov_ss_int3)
{
    breakpoint((u64)&stack_selector, ON_ACCESS, EIGHT_BYTES);
    run(mov_ss_int3, go_on, 0, 0);
    observe_db(mov_ss_int3_between, (const void *)catch_entries[VECTOR_BP],
               "at the handler's first instruction");
}

ROW(mov_ss_syscall)
{
    syscall_set_up(0);
    breakpoint((u64)&stack_selector, ON_ACCESS, EIGHT_BYTES);
    run(mov_ss_syscall, go_on, 0, 0);
    syscall_put_back();
    observe_db(mov_ss_syscall_between, syscall_entry, "at the entry");
}

ROW(mov_ss_instruction_breakpoint)
{
    breakpoint((u64)mov_ss_nop_between, ON_EXECUTION, ONE_BYTE);
    run(mov_ss_nop, go_on, 0, 0);
    observed(events ? "#DB" : "none");
}

ROW(syscall_trap_flag)
{
    syscall_set_up(RFLAGS_TF);
    run(step_into_syscall, go_on, 0, 0);
    syscall_put_back();
    observed("%s%s", name_of(0), if_struck(0, syscall_entry, " at the entry"));
}

ROW(sysenter_trap_flag)
{
    sysenter_set_up(stepped_entry);
    run(step_into_sysenter, go_on, 0, 0);
    if (events && event[0].vector == VECTOR_UD)
        not_there();
    else
        observed("%s%s", name_of(0), if_struck(0, stepped_entry, " at the entry"));
}
