// Waiting for what an interrupt's handler will do.
#pragma once

#include <arch/types.h>

// Returns when a handler has set *woken; what else can run does so meanwhile. Call with interrupts on.
void wait_until(const volatile bool *woken);
