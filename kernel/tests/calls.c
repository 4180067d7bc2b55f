// The kernel's own tests: calls of time, the system, signals and threads, made as a program's would be. What they
// do when all is well userland/process.c and userland/clock.c compare with Linux.

#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/msr.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/time.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/regions.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/time.h>

// A program's memory: a page that it may write, one that it may only read, and nothing behind that.
#define MEMORY    0x10000ul
#define READ_ONLY (MEMORY + PAGE_SIZE)
#define NOTHING   (READ_ONLY + PAGE_SIZE)
#define KERNELS   0xffff888000000000ul

enum { SIGUSR1 = 10, SIG_SETMASK = 2, SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003 };

static struct task *task;

static bool begin(void)
{
    const struct region regions[] = {
        { .start = MEMORY, .end = READ_ONLY, .rights = ACCESS_USER | ACCESS_READ | ACCESS_WRITE },
        { .start = READ_ONLY, .end = NOTHING, .rights = ACCESS_USER | ACCESS_READ },
    };

    task = process_new("the program");
    report(task, "a process");
    if (!task)
        return false;
    for (size_t i = 0; i < array_length(regions); i++)
        report_error(region_add(task->space, &regions[i]), 0, "memory");
    this_cpu()->current = task;
    space_switch(task->space);
    return true;
}

static void end(void)
{
    space_switch(&kernel_space);
    this_cpu()->current = NULL;
    process_free(task);
}

static void put(const void *from, size_t size)
{
    report_count(copy_to_user(MEMORY, from, size), 0, "bytes not copied to the program");
}

// Who cannot be told what was before has changed nothing.
TEST(signals_half_done)
{
    const struct signal_action action = { .handler = 1, .flags = 2, .mask = ~0ul };
    const struct signal_action *kept;
    const u64 set = ~0ul;

    if (!begin())
        return;
    kept = &task->process->actions[SIGUSR1 - 1];
    put(&action, sizeof(action));
    report_error(sys_rt_sigaction(SIGUSR1, MEMORY, READ_ONLY, 8), -EFAULT, "old action, read-only");
    report_error(sys_rt_sigaction(SIGUSR1, MEMORY, KERNELS, 8), -EFAULT,
                 "old action, the kernel's");
    report_error(sys_rt_sigaction(SIGUSR1, NOTHING, 0, 8), -EFAULT, "new action, nowhere");
    report_error(sys_rt_sigaction(SIGUSR1, READ_ONLY - 8, NOTHING, 8), -EFAULT, "both");
    report_equal(kept->handler | kept->flags | kept->mask, 0, "the action after all that");
    report_error(sys_rt_sigaction(SIGUSR1, MEMORY, 0, 8), 0, "a good one");
    report_equal(kept->mask, ~(1ul << 8 | 1ul << 18), "its mask, without SIGKILL and SIGSTOP");
    report_error(sys_rt_sigaction(0, MEMORY, 0, 8), -EINVAL, "signal 0");
    report_error(sys_rt_sigaction(-1, MEMORY, 0, 8), -EINVAL, "signal -1");

    put(&set, sizeof(set));
    report_error(sys_rt_sigprocmask(SIG_SETMASK, MEMORY, READ_ONLY, 8), -EFAULT, "old mask");
    report_error(sys_rt_sigprocmask(SIG_SETMASK, NOTHING, 0, 8), -EFAULT, "new mask");
    report_equal(task->process->signal_mask, 0, "the mask after that");
    end();
}

TEST(limits_half_done)
{
    const struct limit limit = { 1, 2 };

    if (!begin())
        return;
    put(&limit, sizeof(limit));
    report_error(sys_prlimit64(0, LIMIT_STACK, MEMORY, READ_ONLY), -EFAULT, "old limit, read-only");
    report_error(sys_prlimit64(0, LIMIT_STACK, NOTHING, MEMORY + 64), -EFAULT,
                 "new limit, nowhere");
    report_equal(task->process->limits[LIMIT_STACK].now, 0x800000, "the limit after that");
    report_error(sys_prlimit64(0, -1, 0, 0), -EINVAL, "limit -1");
    report_error(sys_prlimit64(task->process->id + 1, LIMIT_STACK, 0, 0), -ESRCH,
                 "somebody else's");
    report_error(sys_prlimit64(task->process->id, LIMIT_STACK, MEMORY, 0), 0, "a good one");
    report_equal(task->process->limits[LIMIT_STACK].now, 1, "the limit then");
    end();
}

TEST(random_up_to_the_edge)
{
    if (!begin())
        return;
    report_error(sys_getrandom(READ_ONLY - 100, 4000, 0), 100, "as many as fit");
    report_error(sys_getrandom(READ_ONLY, 1, 0), -EFAULT, "where none fits");
    report_error(sys_getrandom(KERNELS, 8, 0), -EFAULT, "the kernel's");
    report_error(sys_getrandom(-8ul, 16, 0), -EFAULT, "around the end of all addresses");
    report_error(sys_getrandom(MEMORY, 8, 6), -EINVAL, "flags that exclude each other");
    end();
}

TEST(bases_refused)
{
    static const u64 refused[] = {
        USER_END - PAGE_SIZE, USER_END, 1ul << 63, KERNELS, ~0ul, 0xffff7fffffffffff,
    };
    u64 fs = msr_read(MSR_FS_BASE), gs = msr_read(MSR_KERNEL_GS_BASE), got = 0;

    if (!begin())
        return;
    for (size_t i = 0; i < array_length(refused); i++) {
        report_error(sys_arch_prctl(SET_FS, refused[i]), -EPERM, "FS base 0x%lx", refused[i]);
        report_error(sys_arch_prctl(SET_GS, refused[i]), -EPERM, "GS base 0x%lx", refused[i]);
    }
    report_equal(msr_read(MSR_FS_BASE), fs, "FS base after that");
    report_equal(msr_read(MSR_KERNEL_GS_BASE), gs, "the program's GS base after that");
    report_error(sys_arch_prctl(SET_GS, USER_END - PAGE_SIZE - 1), 0, "the highest GS base");
    report_equal((u64)this_cpu(), (u64)&percpu0, "the kernel's GS base is its own still");
    report_error(sys_arch_prctl(SET_FS, MEMORY), 0, "a good FS base");
    report_error(sys_arch_prctl(GET_FS, MEMORY), 0, "asked for");
    user_get64(MEMORY, &got);
    report_equal(got, MEMORY, "it is");
    report_error(sys_arch_prctl(GET_FS, READ_ONLY), -EFAULT, "asked for where nobody may write");
    msr_write(MSR_FS_BASE, fs);
    msr_write(MSR_KERNEL_GS_BASE, gs);
    end();
}

TEST(time_arguments)
{
    const struct {
        u64 seconds, nanoseconds;
        int error;
        u64 time;
    } rows[] = {
        { 0, 0, 0, 0 },
        { 1, 5, 0, SECOND + 5 },
        { 0, SECOND - 1, 0, SECOND - 1 },
        { 0, SECOND, -EINVAL, 0 },
        { 0, -1ul, -EINVAL, 0 },
        { -1ul, 0, -EINVAL, 0 },
        { 1ul << 63, 0, -EINVAL, 0 },
        { ~0ul >> 1, 0, 0, TIME_NEVER },
        { TIME_NEVER / SECOND, 0, 0, TIME_NEVER },
    };
    u64 before;

    if (!begin())
        return;
    for (size_t i = 0; i < array_length(rows); i++) {
        u64 time = 0;

        report_error(time_of(rows[i].seconds, rows[i].nanoseconds, &time), rows[i].error,
                     "%lu seconds and %lu nanoseconds", rows[i].seconds, rows[i].nanoseconds);
        report_count(time, rows[i].time, "in nanoseconds");
    }
    before = time_ns();
    report_error(clock_sleep(CLOCK_MONOTONIC, 1, before / 2), 0, "until a time that was");
    report_error(clock_sleep(CLOCK_MONOTONIC, 2, 0), -EINVAL, "an unknown flag");
    report_error(clock_sleep(CLOCK_THREAD_CPUTIME_ID, 0, 0), -EINVAL,
                 "a clock that would stand still");
    report_error(clock_sleep(99, 0, 0), -EINVAL, "no clock");
    report_error(sys_clock_gettime(CLOCK_REALTIME, READ_ONLY), -EFAULT,
                 "the time to where nobody writes");
    report_error(sys_nanosleep(NOTHING, 0), -EFAULT, "how long, from nowhere");
    report_error(sys_gettimeofday(0, 0), 0, "nobody wants to know it");
    end();
}
