// Flat programs for tests.
#pragma once

#include <kernel/flat.h>

// `task`, new, with this program; NULL, with a complaint, if it or the memory is not to be had.
struct task *test_program(struct task *task, const struct flat *flat);
