// System calls with i386's numbers and registers, whichever door they come by. System V ABI, i386 supplement;
// docs/entry.md, "int 0x80".

#include <arch/compat.h>
#include <arch/hole.h>
#include <arch/interrupts.h>
#include <arch/task.h>
#include <arch/user.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/syscall32.h>

syscall32_tracer *syscall32_tracer_now;

static inline struct syscall32 call_of(const struct pt_regs *regs)
{
    // LAB 9.3: eax; ebx, ecx, edx, esi, edi, ebp. Of each 32 bits, whoever calls: what stands above them may be
    //          anything.
    struct syscall32 call = { .number = (u32)(regs->orig_rax & 0xffffffff) };
    const u64 *const in[] = { &regs->rbx, &regs->rcx, &regs->rdx,
                              &regs->rsi, &regs->rdi, &regs->rbp };

    for (unsigned i = 0; i < SYSCALL32_ARGUMENTS; i++)
        call.arguments[i] = *in[i] << 32 >> 32;
    return call;
}

static inline long make(struct pt_regs *regs)
{
    struct syscall32 call = call_of(regs);
    long result;

    interrupts_enable();
    result = syscall32_tracer_now ? syscall32_tracer_now(regs, &call) : syscall32_make(&call);
    interrupts_disable();
    return result;
}

long do_syscall32(struct pt_regs *regs)
{
    entered_from_user(regs);
    return make(regs);
}

long do_fast_syscall32(struct pt_regs *regs)
{
    u64 landing = compat_page_address(compat_page_landing);
    u32 sixth;

    entered_from_user(regs);
    // LAB 9.6: The program goes on at the landing pad, whatever comes of the call. Its stack may be anywhere: what
    //          cannot be read is an error like any other.
    regs->rip = landing;
    if (copy_from_user(&sixth, (u32)regs->rsp, sizeof(sixth)) != 0)
        return -EFAULT;
    regs->rbp = sixth;
    return make(regs);
}

static void syscall32_trace_initialise(void)
{
    if (cmdline.trace)
        syscall32_tracer_now = strace32;
}
INIT(INIT_TASKS, syscall32_trace_initialise);
