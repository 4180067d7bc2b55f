// What the CPU holds of a program besides its general registers. The kernel's 64-bit code uses neither DS, ES
// nor FS, and of GS the base alone, so that these stay the program's while it is interrupted.

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/msr.h>
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

// The selectors first: a selector brings a base along, or zeroes it.
void user_state_load(const struct user_state *state)
{
    asm volatile("mov ds, %0\n\tmov es, %1\n\tmov fs, %2" ::"r"((u32)state->ds),
                 "r"((u32)state->es), "r"((u32)state->fs));
    user_gs_load(state->gs);
    msr_write(MSR_FS_BASE, state->fs_base);
    msr_write(MSR_KERNEL_GS_BASE, state->gs_base);
    fpu_load(state->fpu);
}
