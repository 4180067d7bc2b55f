// Initialisation that files register themselves, so that kernel_main names no lab: a file that is
// linked is initialised, in the order of its step.
#pragma once

#include <arch/types.h>

// The steps, in order. Macros, because they become part of a section's name.
#define INIT_CONSOLE       10
#define INIT_SEGMENTS      30
#define INIT_IDT           40
#define INIT_FAULTS        45 // what makes faults repairable, and the CPU's protections
#define INIT_LOCAL_APIC    50
#define INIT_IST           60
#define INIT_MACHINE_CHECK 65 // when #MC has a stack
#define INIT_INTERRUPTS    70
#define INIT_TIME          75
#define INIT_TASKS         80 // what programs need of the CPU
#define INIT_FILES         85 // the nodes that are there without an archive
#define INIT_ARCHIVES      86 // and the files that archives bring
#define INIT_PROGRAMS      90 // programs that the command line names, or somebody at the terminal
#define INIT_DONE          99 // no step: after all of them

struct init {
    u64 step;
    void (*run)(void);
};

// INIT(step, function): run `void function(void)` at `step`.
#define INIT(step, function) INIT_AT(step, function)
#define INIT_AT(step, function)                                    \
    static const struct init init_##function = { step, function }; \
    static const struct init *const row_##function in_section(".inits." #step) = &init_##function

extern const struct init *const inits_start[], *const inits_end[]; // linker.ld
