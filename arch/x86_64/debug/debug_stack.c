// A #DB stack that is used in turns. docs/entry.md, "The stack that moves".

#include <arch/layout.h>
#include <arch/paranoid.h>
#include <arch/percpu.h>
#include <arch/stack.h>
#include <arch/vectors.h>

enum { DEEPEST = 3 };

u64 debug_stack_shift;

int debug_stack_nest(bool nest)
{
    static struct stack turns = { .name = "#DB stack for three" };
    static u64 before;
    struct tss *tss = &this_cpu()->tss;
    int error = nest && !turns.top ? stack_make(&turns, DEEPEST * PAGE_SIZE) : 0;

    if (error)
        return error;
    if (nest && !debug_stack_shift)
        before = tss->ist[IST_DB - 1];
    if (nest || debug_stack_shift)
        tss->ist[IST_DB - 1] = nest ? (u64)turns.top : before;
    debug_stack_shift = nest ? PAGE_SIZE : 0;
    return 0;
}
