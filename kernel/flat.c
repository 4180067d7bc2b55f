// Programs without a format.

#include <arch/layout.h>
#include <kernel/file_pages.h>
#include <kernel/flat.h>
#include <kernel/regions.h>

#define STACK_AT_FIRST PAGE_SIZE
#define STACK_MOST     (64 * PAGE_SIZE)

int flat_load(struct task *task, const struct flat *flat)
{
    size_t bytes = (size_t)(flat->end - flat->start), size = (bytes + PAGE_SIZE - 1) & -PAGE_SIZE;
    const struct region regions[] = {
        {
            .start = FLAT_CODE,
            .end = FLAT_CODE + size,
            .rights = ACCESS_USER | ACCESS_READ | ACCESS_EXECUTE,
            .fill = file_pages_fill,
            .context = (void *)flat->start,
            .limit = bytes,
        },
        {
            .start = FLAT_DATA,
            .end = FLAT_DATA + FLAT_DATA_SIZE,
            .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE,
        },
        {
            .start = FLAT_STACK - STACK_AT_FIRST,
            .end = FLAT_STACK,
            .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE,
            .lowest = FLAT_STACK - STACK_MOST,
        },
    };

    for (size_t i = 0; i < array_length(regions); i++) {
        int error = region_add(task->space, &regions[i]);

        if (error)
            return error; // what is there goes with the address space
    }
    user_frame_make(task_regs(task), FLAT_CODE, FLAT_STACK);
    return 0;
}
