// The block of memory that belongs to one CPU. In the kernel GS points to it.
#pragma once

#include <arch/segments.h>
#include <arch/tss.h>
#include <arch/types.h>

struct address_space; // kernel/regions.h
struct task;          // kernel/task.h

struct percpu {
    struct percpu *self; // at gs:0, for a base cannot be read with a plain instruction
    u64 gdt[GDT_ENTRIES];
    struct tss tss aligned_to(16);
    struct address_space *space; // whose low half CR3 holds, from INIT_FAULTS on
    struct task *current;        // whose program runs, or has come here; NULL if none does
    u64 user_rsp;                // entry_syscall's, for the moment between two stacks
    u32 exit_work;               // not 0: exit_to_user has something to do before a program goes on
};
static_assert(offsetof(struct percpu, self) == 0, "this_cpu reads gs:0");

extern struct percpu percpu0; // of the CPU that boots

// Each CPU's block, by the CPU's number. cpus.c
#define CPUS 1
extern struct percpu *const percpu_blocks[CPUS];

// Whether a GS base is the kernel's, on some CPU.
static inline bool percpu_is(u64 base)
{
    for (unsigned number = 0; number < CPUS; number++)
        if (base == (u64)percpu_blocks[number])
            return true;
    return false;
}

// The block of the CPU that this runs on; GS must be the kernel's.
static inline struct percpu *this_cpu(void)
{
    struct percpu *cpu;
    asm("mov %0, gs:0" : "=r"(cpu));
    return cpu;
}

// this_cpu()->current, in one instruction.
static inline struct task *current_task(void)
{
    struct task *task;
    asm volatile("mov %0, gs:%c1" : "=r"(task) : "i"(offsetof(struct percpu, current)));
    return task;
}
