// System calls with i386's numbers and registers, whichever door they come by. System V ABI, i386 supplement;
// docs/entry.md, "int 0x80".

#include <arch/compat.h>
#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/task.h>
#include <arch/user.h>
#include <arch/user_check.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/compat.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/syscall32.h>

syscall32_tracer *syscall32_tracer_now;

static inline struct syscall32 call_of(const struct pt_regs *regs)
{
    // LAB 9.3: eax; ebx, ecx, edx, esi, edi, ebp. Of each 32 bits, whoever calls: what stands above them may be
    //          anything.
    hole("9.3");
}

// A row of the table says COMPAT where what the call takes is laid out differently in 32 and in 64 bits. A signed
// argument is INT, whatever its C function takes: so its sign is extended.
static inline long make(const struct syscall32 *call)
{
#define ARGUMENT(n, kind, name) (syscall_##kind) call->arguments[n]
#define SYSCALL(number, name, result, ...) \
    case number:                           \
        return sys_##name(SYSCALL_EACH(ARGUMENT, , ##__VA_ARGS__));
#define COMPAT(number, name, result, ...) \
    case number:                          \
        return compat_##name(SYSCALL_EACH(ARGUMENT, , ##__VA_ARGS__));

    switch (call->number) {
#include <kernel/syscalls32.def>
    }
    return -ENOSYS;
}

long syscall32_make(const struct syscall32 *call)
{
    return make(call);
}

static __attribute__((noinline)) long tell(struct pt_regs *regs)
{
    const struct syscall32 call = call_of(regs);

    return syscall32_tracer_now(regs, &call);
}

static inline long answer(struct pt_regs *regs)
{
    long result;

    interrupts_enable();
    if (syscall32_tracer_now) {
        result = tell(regs);
    } else {
        const struct syscall32 call =
            call_of(regs); // nobody takes its address: it stays in registers

        result = make(&call);
    }
    interrupts_disable();
    if (!gs_is_still_the_kernels())
        gs_is_the_programs(task_regs(current_task()), "back from a call of");
    return result;
}

// The CPU itself has pushed cs and rflags of ring 3, so there is less to ask than after SYSENTER.
long do_syscall32(struct pt_regs *regs)
{
    if (!frame_is_in_place(regs))
        frame_is_elsewhere(regs);
    return answer(regs);
}

long do_fast_syscall32(struct pt_regs *regs)
{
    u64 landing = compat_page_address(compat_page_landing);
    u32 sixth;

    entered_from_user(regs);
    // LAB 9.6: The program goes on at the landing pad, whatever comes of the call. Its stack may be anywhere: what
    //          cannot be read is an error like any other.
    hole("9.6");
    return answer(regs);
}

static void syscall32_trace_initialise(void)
{
    if (cmdline.trace)
        syscall32_tracer_now = strace32;
}
INIT(INIT_TASKS, syscall32_trace_initialise);
