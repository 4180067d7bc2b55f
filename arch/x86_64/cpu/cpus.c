// All CPUs' blocks, by number.

#include <arch/percpu.h>

struct percpu *const percpu_blocks[CPUS] = { &percpu0 };
