// Rows: what faults, where, and with which error code.

#include <arch/cpu.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <kernel/emulators/fast_ways.h>
#include <kernel/emulators/row.h>

#define NOT_CANONICAL 0x8000000000000000ul
#define UNMAPPED      0x2000ul // nothing is mapped in the low half
#define BEYOND        0xfff8ul // a selector behind the end of the GDT
#define ABSENT        0x38ul   // the slot that the GDT leaves empty
#define ABSENT_DATA   0x00cf13000000fffful
#define NO_MSR        0x4711ul

typedef u64 code(u64 a, u64 b);
code int_0x81, invalid_opcode, divide_sse, divide_x87, read_at, read_stack_at, jump_to, return_to;
code iret_to_address, iret_to_segments, iret_nested, wrgsbase_of, rdgsbase_of, rdmsr_of;
code int_18, int_14, fault_on_stack, fault_on_odd_stack;
extern const char divide_x87_fwait[], return_to_ret[], iret_to_iretq[], int_18_behind[],
    int_14_behind[];

ROW(idt_error_code)
{
    catch_gates[0x81].attributes &= (u8)~GATE_PRESENT;
    run(int_0x81, give_up, 0, 0);
    observed("%s", name_of(0));
}

ROW(fault_rf)
{
    run(invalid_opcode, give_up, 0, 0);
    observed(event[0].regs.rflags & RFLAGS_RF ? "set" : "clear");
}

ROW(xm_never)
{
    u64 cr0 = read_cr0(), cr4 = read_cr4();

    write_cr0(cr0 & ~(CR0_TS | CR0_EM));
    write_cr4(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    run(divide_sse, give_up, 0, 0);
    write_cr4(cr4);
    write_cr0(cr0);
    observed("%s", name_of(0));
}

ROW(x87_error)
{
    u64 cr0 = read_cr0();

    write_cr0((cr0 & ~(CR0_TS | CR0_EM)) | CR0_NE);
    run(divide_x87, give_up, 0, 0);
    asm volatile("fninit");
    write_cr0(cr0);
    observed("%s%s", name_of(0), if_struck(0, divide_x87_fwait, " at the FWAIT"));
}

ROW(noncanonical_data)
{
    run(read_at, give_up, NOT_CANONICAL, 0);
    observed("%s", name_of(0));
}

ROW(noncanonical_stack)
{
    run(read_stack_at, give_up, NOT_CANONICAL, 0);
    observed("%s", name_of(0));
}

// Where the address that is not canonical was noticed: at the instruction that jumps, or later.
static void observe_jump(const void *at)
{
    observed("%s%s%s", name_of(0), if_struck(0, at, " at the instruction"),
             if_struck(0, (const void *)NOT_CANONICAL, " at the target"));
}

ROW(noncanonical_jump)
{
    run(jump_to, give_up, NOT_CANONICAL, 0);
    observe_jump((const void *)jump_to);
}

ROW(noncanonical_ret)
{
    run(return_to, give_up, NOT_CANONICAL, 0);
    observe_jump(return_to_ret);
}

ROW(noncanonical_iret)
{
    run(iret_to_address, give_up, NOT_CANONICAL, 0);
    observe_jump(iret_to_iretq);
}

static u64 write_gs_base(u64 base, u64 b)
{
    (void)b;
    msr_write(MSR_GS_BASE, base);
    return 0;
}

ROW(noncanonical_gs_base)
{
    u64 base = msr_read(MSR_GS_BASE);

    run(write_gs_base, give_up, NOT_CANONICAL, 0);
    msr_write(MSR_GS_BASE, base);
    observed("%s", name_of(0));
}

ROW(noncanonical_wrgsbase)
{
    u64 base = msr_read(MSR_GS_BASE), cr4 = read_cr4();

    if (!cpu_has_7(CPUID7_FSGSBASE)) {
        not_there();
        return;
    }
    write_cr4(cr4 | CR4_FSGSBASE);
    run(wrgsbase_of, give_up, NOT_CANONICAL, 0);
    write_cr4(cr4);
    msr_write(MSR_GS_BASE, base);
    observed("%s", name_of(0));
}

ROW(msr_absent)
{
    run(rdmsr_of, give_up, NO_MSR, 0);
    observed("%s", name_of(0));
}

ROW(fsgsbase_off)
{
    u64 cr4 = read_cr4(), base;
    const char *off;

    if (!cpu_has_7(CPUID7_FSGSBASE)) {
        not_there();
        return;
    }
    write_cr4(cr4 & ~CR4_FSGSBASE);
    run(rdgsbase_of, give_up, 0, 0);
    off = name_of(0);
    write_cr4(cr4 | CR4_FSGSBASE);
    base = run(rdgsbase_of, give_up, 0, 0);
    write_cr4(cr4);
    observed("%s, then %s", off, base == msr_read(MSR_GS_BASE) ? "the base" : name_of(0));
}

ROW(iret_bad_cs)
{
    run(iret_to_segments, give_up, BEYOND, KERNEL_DS);
    observed("%s", name_of(0));
}

ROW(iret_bad_ss)
{
    run(iret_to_segments, give_up, KERNEL_CS, BEYOND);
    observed("%s", name_of(0));
}

ROW(iret_absent_ss)
{
    u64 *entry = &this_cpu()->gdt[ABSENT / 8], before = *entry;

    *(volatile u64 *)entry = ABSENT_DATA;
    run(iret_to_segments, give_up, KERNEL_CS, ABSENT);
    *(volatile u64 *)entry = before;
    observed("%s", name_of(0));
}

ROW(iret_nt)
{
    run(iret_nested, give_up, 0, 0);
    observed("%s", name_of(0));
}

ROW(software_int_18)
{
    run(int_18, give_up, 0, 0);
    observed("%s%s", name_of(0), if_struck(0, int_18_behind, " behind the instruction"));
}

// The gate leads to the entry of a vector without error code: with one on the stack, the frame that it
// makes would be a slot off.
ROW(software_int_14)
{
    catch_gates[VECTOR_PF] = gate_make(catch_entries[VECTOR_UD], 0, GATE_INTERRUPT, RING_KERNEL);
    run(int_14, give_up, 0, 0);
    observed(struck(0, int_14_behind) && event[0].regs.cs == KERNEL_CS ? "no error code"
                                                                       : "an error code");
}

ROW(double_fault)
{
    catch_gates[VECTOR_DF].ist = ROW_IST;
    run(fault_on_stack, give_up, UNMAPPED, 0);
    observed("%s%s", name_of(0),
             event[0].frame == (u64)row_stack_top ? " on its stack" : " elsewhere");
}

ROW(ist_ss)
{
    catch_gates[VECTOR_UD].ist = ROW_IST;
    run(invalid_opcode, give_up, 0, 0);
    observed(event[0].ss == 0 ? "null" : event[0].ss == event[0].regs.ss ? "kept" : "another");
}

ROW(stack_alignment)
{
    run(fault_on_odd_stack, give_up, 0, 0);
    observed(event[0].frame % 16 == 0 ? "aligned" : "not aligned");
}

ROW(syscall_off)
{
    u64 efer = msr_read(MSR_EFER);

    msr_write(MSR_EFER, efer & ~EFER_SCE);
    run(syscall_plain, give_up, 0, 0);
    msr_write(MSR_EFER, efer);
    observed("%s", name_of(0));
}

ROW(syscall_mask)
{
    u64 flags;

    syscall_set_up(0xffffffff);
    flags = run(syscall_plain, give_up, 0, 0);
    syscall_put_back();
    observed("%s, %s", flags == RFLAGS_FIXED ? "cleared" : "not cleared",
             syscall_r11 == (SYSCALL_FLAGS | RFLAGS_FIXED) ? "saved in R11" : "not saved");
}

ROW(sysenter_64bit)
{
    sysenter_set_up(sysenter_entry);
    run(sysenter_plain, give_up, 0, 0);
    observed(events ? "%s" : "enters", name_of(0));
}
