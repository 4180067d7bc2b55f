// What only somebody outside the machine can do to it: a machine check, for one.
#pragma once

#include <arch/types.h>

// Knocks on the injector. The machine pauses at that instruction, the grader does to it what the
// test's `inject` in lab.toml says, one line of it for each knock, and lets it go on: returns true.
// An event may strike before the return. Returns false where nobody waits for a knock (Bochs, a lab
// booted by hand, a real machine); the test is then skipped.
bool injector_knock(void);
