// Numbers that look random and depend on their seed alone: splitmix64, of Steele, Lea and Flood,
// "Fast Splittable Pseudorandom Number Generators", 2014. The grader computes the same ones.
#pragma once

#include <arch/types.h>

static inline u64 random_next(u64 *state)
{
    u64 z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// Fills memory with what programs get as random: from the command line's seed too, so that a run can be had
// again. It is nothing to keep a secret with. random.c
void random_fill(void *to, size_t size);
