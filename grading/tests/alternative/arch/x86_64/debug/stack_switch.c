// The step of a backtrace from one stack to the next.

#include <arch/hole.h>
#include <arch/stack.h>

void walk_to_interrupted(struct walk *walk, const struct pt_regs *entered)
{
    // LAB 5.6: Nothing on an IST stack but the frame itself says which stack the CPU came from, where
    //          the code stood, and where its frame pointers begin.
    struct pt_regs regs = *entered;

    *walk = (struct walk){
        .frame = (void *)regs.rbp,
        .address = regs.rip,
        .stack = stack_at(regs.rsp),
    };
}
