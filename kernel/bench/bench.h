// What triggers.asm gives to paths.c.
#pragma once

#include <arch/types.h>

// Runs some instructions between two readings of the time stamp counter. Returns what it gained: the
// same number for the same instructions, and exactly one more for each instruction more.
typedef u32 counted(u64 rdi, u64 rsi);

// The counter itself.
counted count_nothing, count_one, count_many;
counted count_loop; // rdi times two instructions, and one before them

// The paths.
counted count_ud2;
counted count_write;   // of a byte to [rdi]; known_elsewhere makes it [rsi]
counted count_clear;   // what page_clear does, to the page at rdi
counted count_step;    // one instruction with TF set
counted count_command; // esi to the local APIC's command register at rdi

// Ways in and out for a gate, of known length from the first instruction to IRETQ, both included.
extern const char known_skip_ud2[], known_skip_ud2_long[], known_elsewhere[];
extern const char known_no_step[], known_end[];

enum {
    MANY = 1000,
    KNOWN_SKIP_UD2 = 2,
    KNOWN_SKIP_UD2_LONG = KNOWN_SKIP_UD2 + 50,
    KNOWN_ELSEWHERE = 3,
    KNOWN_NO_STEP = 2,
    KNOWN_END = 2,
};
