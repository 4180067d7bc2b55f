// The table of vectors, for C.

#include <arch/vectors.h>
#include <kernel/traps.h>

#define CODE    true
#define NO_CODE false

#define VECTORS(first, last, code, door, ist, ring, handler, name) \
    [first... last] = { code, DOOR_##door, ist, RING_##ring, handler, name },

const struct vector vectors[VECTORS_COUNT] = {
#include <entry/vectors.def>
};

#undef VECTORS
#define VECTORS(first, last, code, door, ist, ...) [first... last] = ist,

const u8 vectors_ist[VECTORS_COUNT] = {
#include <entry/vectors.def>
};

#undef VECTORS
#define VECTORS(first, last, code, door, ist, ring, handler, name) [first... last] = handler,

trap_handler *vectors_handler[VECTORS_COUNT] = {
#include <entry/vectors.def>
};

// Every vector stands in one row: a second row for one is a -Woverride-init error above.
#undef VECTORS
#define VECTORS(first, last, ...) +(last) - (first) + 1
static_assert(0
#include <entry/vectors.def>
                  == VECTORS_COUNT,
              "vectors.def leaves a gap");
