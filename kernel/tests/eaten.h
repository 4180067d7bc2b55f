// Memory that a test keeps from everybody else.
#pragma once

#include <arch/types.h>

struct eaten;

// Takes all pages but `rest`, and gives them back.
struct eaten *memory_eat(size_t rest);
void memory_give_back(struct eaten *eaten);
