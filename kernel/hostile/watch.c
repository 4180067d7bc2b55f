// Looks at what a program is resumed with: nothing in its registers may tell it where the kernel is.

#include <kernel/hostile/hostile.h>
#include <kernel/print.h>
#include <kernel/traps.h>

enum { EXCEPTIONS = 32 };

static trap_handler *handlers[EXCEPTIONS];
static const struct program *watched;
static bool telling;
static u64 leak;

static void tell(const struct pt_regs *regs, u64 error_code, unsigned vector)
{
    print("# at 0x%lx (cs 0x%lx, rsp 0x%lx, rflags 0x%lx): %s", regs->rip, regs->cs, regs->rsp,
          regs->rflags, vectors[vector].name);
    if (error_code != NO_ERROR_CODE)
        print(", error code 0x%lx", error_code);
    print("\n");
}

static void watch(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    bool by_program = watched && regs->cs & RPL_MASK;

    if (by_program)
        flags_look();
    if (by_program && telling)
        tell(regs, error_code, vector);
    handlers[vector](regs, error_code, vector);
    if (!by_program || leak)
        return; // here is nobody, if the program has ended
    leak = leak_in_registers(watched, regs);
}

void watch_prepare(void)
{
    for (unsigned vector = 0; vector < EXCEPTIONS; vector++) {
        trap_handler *before = trap_set_handler(vector, watch);

        handlers[vector] = before ? before : vectors[vector].handler;
    }
}

void watch_program(const struct program *program, bool tell_all)
{
    watched = program;
    telling = tell_all;
    leak = 0;
}

u64 watch_leak(void)
{
    return leak;
}

bool watching(void)
{
    return watched;
}
