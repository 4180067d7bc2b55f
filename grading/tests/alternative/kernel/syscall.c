// System calls by number. The numbers and the registers are Linux's for x86-64 (SysV ABI, section A.2.1).

#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/user_check.h>
#include <kernel/calls/calls.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/syscall.h>

syscall_tracer *syscall_tracer_now;

static inline u64 number_of(const struct pt_regs *regs)
{
    // LAB 8.3: 32 bits of it: what stands above them in rax may be anything.
    return regs->orig_rax & 0xffffffff;
}

static inline u64 argument(const struct pt_regs *regs, unsigned n)
{
    // LAB 8.4: In the order of the C ABI: rdi, rsi, rdx, then not rcx, which SYSCALL itself has written to.
    static const size_t slots[] = {
        offsetof(struct pt_regs, rdi), offsetof(struct pt_regs, rsi), offsetof(struct pt_regs, rdx),
        offsetof(struct pt_regs, r10), offsetof(struct pt_regs, r8),  offsetof(struct pt_regs, r9),
    };

    return *(const u64 *)((const char *)regs + slots[n]);
}

// A function of the table is called with what its row says. Inline, whatever the compiler thinks of its length:
// one path of it is short.
static inline __attribute__((always_inline)) long call(const struct pt_regs *regs)
{
#define ARGUMENT(n, kind, name) (syscall_##kind) argument(regs, n)
#define SYSCALL(number, name, result, ...) \
    case number:                           \
        return sys_##name(SYSCALL_EACH(ARGUMENT, , ##__VA_ARGS__));

    switch (number_of(regs)) {
#include <kernel/syscalls.def>
    }
    return -ENOSYS;
}

long syscall_call(const struct pt_regs *regs)
{
    return call(regs);
}

u64 syscall_number(const struct pt_regs *regs)
{
    return number_of(regs);
}

u64 syscall_argument(const struct pt_regs *regs, unsigned n)
{
    return argument(regs, n);
}

long do_syscall(struct pt_regs *regs)
{
    long result;

    if (!frame_is_in_place(regs))
        frame_is_elsewhere(regs);
    interrupts_enable();
    if (syscall_tracer_now)
        result = syscall_tracer_now(regs);
    else
        result = call(regs);
    interrupts_disable();
    if (!gs_is_still_the_kernels())
        gs_is_the_programs(task_regs(current_task()), "back from a call of");
    return result;
}

static void syscall_trace_initialise(void)
{
    if (cmdline.trace)
        syscall_tracer_now = strace;
}
INIT(INIT_TASKS, syscall_trace_initialise);
