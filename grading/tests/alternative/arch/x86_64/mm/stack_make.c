// New kernel stacks, each above a page that stays unmapped: who leaves the stack below meets a page
// fault there, and never another stack's data. SDM vol. 3, section 4.5.

#include <arch/hole.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/stack.h>
#include <kernel/errno.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/string.h>

// Maps a page of zeroes at `address`, for data of the kernel's. Returns 0 or -ENOMEM; where a page is
// already, it is a panic.
static int map_new_page(const char *address)
{
    void *memory = pages_allocate(1);
    bool unlocked;
    int error;

    if (!memory)
        return -ENOMEM;
    memset(memory, 0, PAGE_SIZE);
    unlocked = memory_lock();
    error = paging_map(kernel_tables, (u64)address, direct_map_physical(memory), KERNEL_DATA);
    memory_unlock(unlocked);
    if (error == -EEXIST)
        panic("page tables: 0x%lx is mapped already", (u64)address);
    if (error)
        pages_free(memory, 1);
    return error;
}

// Gives back as much as is mapped.
static void unmap(const struct stack *stack)
{
    for (const char *page = stack->low; page < stack->top; page += PAGE_SIZE) {
        u64 entry = paging_unmap(kernel_tables, (u64)page);

        if (entry)
            pages_free(direct_map(entry & PTE_ADDRESS), 1);
    }
}

int stack_make(struct stack *stack, size_t size)
{
    static const char *next = (const char *)STACKS_BASE; // the end of the last stack
    int error = 0;

    // LAB 5.1: From `next` upwards: the guard, which is left alone, then the stack, a new page at each
    //          multiple of PAGE_SIZE, until one cannot be had. `next` moves up by all of it.
    stack->low = next + PAGE_SIZE;
    for (size_t done = 0; done < size; done += PAGE_SIZE) {
        error = map_new_page(stack->low + done);
        if (error)
            break;
    }
    stack->top = stack->low + size;
    stack->guard = next;
    next += PAGE_SIZE + size;
    if (error)
        unmap(stack);
    else
        stack_register(stack);
    return error;
}
