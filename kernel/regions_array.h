// The array of an address space's regions: for those who change it, under memory_lock.
#pragma once

#include <kernel/regions.h>

// Makes the region the i-th; there must be room, as after regions_take_out.
void regions_put(struct address_space *space, size_t i, struct region *region);

// Takes `count` of them out, from the i-th on.
void regions_take_out(struct address_space *space, size_t i, size_t count);

// Makes a copy of the region the i-th. 0 or -ENOMEM.
int regions_insert(struct address_space *space, size_t i, const struct region *region);

// Makes one of neighbours of which the second goes on with what the first has, among those that touch
// [start, end].
void regions_join(struct address_space *space, u64 start, u64 end);

// Cuts, so that [start, end) holds whole regions only. 0 or -ENOMEM.
int regions_cut_out(struct address_space *space, u64 start, u64 end);
