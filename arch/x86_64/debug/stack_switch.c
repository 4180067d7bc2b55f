// The step of a backtrace from one stack to the next.

#include <arch/hole.h>
#include <arch/stack.h>

void walk_to_interrupted(struct walk *walk, const struct pt_regs *entered)
{
    //@ lab 5.6  Nothing on an IST stack but the frame itself says which stack the CPU came from, where
    //@          the code stood, and where its frame pointers begin. {
    walk->address = entered->rip;
    walk->stack = stack_in_use(entered->rsp);
    walk->frame = (const struct frame *)entered->rbp;
    //@ } hole("5.6");
}
