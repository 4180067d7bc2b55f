// The 256 vectors, from entry/vectors.def. SDM vol. 3, table 6-1; AMD APM vol. 2, section 8.2.
#pragma once

#include <arch/regs.h>
#include <arch/types.h>

#define VECTORS_COUNT 256
#define NO_ERROR_CODE ((u64)-1)

enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_XM = 19,
    VECTOR_CP = 21,
    VECTOR_INT80 = 0x80, // i386's system calls
};

// The ways in, named for their danger; DOOR_NONE: the vector has no gate.
enum door { DOOR_NONE, DOOR_NORMAL, DOOR_PARANOID, DOOR_NMI, DOOR_IRQ, DOOR_INT80 };

enum ist { IST_NONE, IST_DF, IST_NMI, IST_DB, IST_MC };

enum ring { RING_KERNEL = 0, RING_USER = 3 }; // the ring from which INT n may use the gate

// Handles one exception: `error_code` is the CPU's, or NO_ERROR_CODE. Returning resumes at regs.
typedef void trap_handler(struct pt_regs *regs, u64 error_code, unsigned vector);

struct vector {
    bool has_code; // the CPU pushes an error code
    enum door door;
    enum ist ist;
    enum ring ring;
    trap_handler *handler;
    const char *name;
};

extern const struct vector vectors[VECTORS_COUNT];

// The column `ist` alone, close together: every exception looks at it.
extern const u8 vectors_ist[VECTORS_COUNT];

// Who handles each now: at first the column `handler`, then what trap_set_handler says.
extern trap_handler *vectors_handler[VECTORS_COUNT];
