// Why a program's instruction raised an exception.
#pragma once

#include <kernel/task.h>

// Prints, behind the exception's name, what the program has done: ", HLT is not for ring 3"; nothing where
// the name says it all. Reads the program's instruction, so its address space must be the current one.
void user_cause_print(const struct task_end *end);
