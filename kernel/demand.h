// Demand paging: pages that come when they are touched.
#pragma once

#include <kernel/regions.h>

// Decides what a page fault at `address` means, and does what the region there promises: a page of
// zeroes, a copy to write to, a longer stack. `access` are bits of enum access, `present` whether a page
// was there. 0: try again, also if somebody else has done it meanwhile. -EFAULT: it was not allowed,
// and nothing has changed. -ENOMEM, or what region->fill said.
int demand_fault(struct address_space *space, u64 address, unsigned access, bool present);

// A page of its own for the page address `page` of `region`, which has none. 0, -ENOMEM, or what
// region->fill said; then nothing has changed.
int demand_page(struct address_space *space, const struct region *region, u64 page);

// The page-table bits for what `rights` allow. If that is nothing, the page is not present, but kept.
u64 demand_flags(unsigned rights);

// Gives the page at `page`, if there is one, what `rights` allow. One that others use too stays read-only.
void demand_protect(struct address_space *space, u64 page, unsigned rights);

// Unmaps the page at `page`, if there is one, and gives its memory back, unless others use it too.
void demand_drop(struct address_space *space, u64 page);
