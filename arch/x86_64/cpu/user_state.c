// What the CPU holds of a program besides its general registers. The kernel's 64-bit code uses neither DS, ES
// nor FS, and of GS the base alone, so that these stay the program's while it is interrupted.

#include <arch/cpu.h>
#include <arch/exception_table.h>
#include <arch/fpu.h>
#include <arch/msr.h>
#include <arch/percpu.h>
#include <arch/task.h>
#include <kernel/init.h>

// A program that sets RFLAGS.AC gets what it asks for. SDM vol. 3, section 2.5.
static void alignment_checks_allow(void)
{
    write_cr0(read_cr0() | CR0_AM);
}
INIT(INIT_TASKS, alignment_checks_allow);

void user_state_save(struct user_state *state)
{
    asm volatile("mov %0, ds\n\tmov %1, es\n\tmov %2, fs\n\tmov %3, gs"
                 : "=m"(state->ds), "=m"(state->es), "=m"(state->fs), "=m"(state->gs));
    state->fs_base = msr_read(MSR_FS_BASE);
    state->gs_base = msr_read(MSR_KERNEL_GS_BASE); // where SWAPGS has put it
    fpu_save(state->fpu);
}

// A selector may name an entry of state->tls that is empty by now: #GP, and null instead.
#define SEGMENT_LOAD(name)                                                                \
    static void name##_load(u16 selector)                                                 \
    {                                                                                     \
        asm goto(MAY_FAULT("mov " #name ", %0", "%l[empty]")::"r"((u32)selector)::empty); \
        return;                                                                           \
    empty:                                                                                \
        asm volatile("mov " #name ", %0" ::"r"(0));                                       \
    }
SEGMENT_LOAD(ds)
SEGMENT_LOAD(es)
SEGMENT_LOAD(fs)

// The selectors before the bases: a selector brings a base along, or zeroes it. What they name, before them.
void user_state_load(const struct user_state *state)
{
    for (unsigned i = 0; i < TLS_ENTRIES; i++)
        this_cpu()->gdt[TLS_FIRST + i] = state->tls[i];
    ds_load(state->ds);
    es_load(state->es);
    fs_load(state->fs);
    user_gs_load(state->gs);
    msr_write(MSR_FS_BASE, state->fs_base);
    msr_write(MSR_KERNEL_GS_BASE, state->gs_base);
    fpu_load(state->fpu);
}

void user_segments_reload(unsigned index)
{
    u16 ds, es, fs, gs;

    asm volatile("mov %0, ds\n\tmov %1, es\n\tmov %2, fs\n\tmov %3, gs"
                 : "=m"(ds), "=m"(es), "=m"(fs), "=m"(gs));
    if (ds / 8 == index)
        ds_load(ds);
    if (es / 8 == index)
        es_load(es);
    if (fs / 8 == index)
        fs_load(fs);
    if (gs / 8 == index)
        user_gs_load(gs);
}
