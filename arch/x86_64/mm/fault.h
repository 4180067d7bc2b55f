// Page faults. SDM vol. 3, section 4.7 "Page-Fault Exceptions".
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

// Bits of the error code; figure 4-12.
#define PF_PRESENT        (1ul << 0) // a page was there and its rights forbade it
#define PF_WRITE          (1ul << 1)
#define PF_USER           (1ul << 2) // from ring 3
#define PF_RESERVED       (1ul << 3) // a table entry has a reserved bit set
#define PF_FETCH          (1ul << 4) // of an instruction
#define PF_PROTECTION_KEY (1ul << 5)
#define PF_SHADOW_STACK   (1ul << 6)
#define PF_SGX            (1ul << 15)

// A fault that regions can mend has no other bits in its code.
#define PF_ORDINARY (PF_PRESENT | PF_WRITE | PF_USER | PF_FETCH)

struct fault {
    u64 address;
    u64 code;        // as the CPU gave it
    unsigned access; // ACCESS_READ, _WRITE or _EXECUTE, with ACCESS_USER if from ring 3
    bool present;    // there was a page, and the access broke its rights
    bool reserved;   // the page tables are broken
};

// What the CPU has to say of the page fault whose handler runs.
struct fault fault_read(u64 error_code);

// Reports a page fault that nothing explains, in words, with what is mapped there, and panics. `error` is
// why it was not mended: -EFAULT, or why the page that a region has promised did not come.
noreturn void fault_bug(const struct pt_regs *regs, const struct fault *fault, int error);
