// What a program asks about itself and the system, and what it tells the kernel about itself.

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

static void say(const char *what, long result)
{
    printf("%-44s %s\n", what, result == -1 ? strerror(errno) : result ? "yes" : "NO");
}

static void identity(void)
{
    struct utsname name;

    say("the thread is the process", getpid() == syscall(SYS_gettid));
    say("set_tid_address says so, too", syscall(SYS_set_tid_address, NULL) == getpid());
    say("somebody has started it", getppid() != getpid());
    say("it is who it was", getuid() == geteuid() && getgid() == getegid());
    say("uname", uname(&name) == 0);
    printf("%s %s\n", name.sysname, name.machine);
    say("uname to nowhere", uname((struct utsname *)8));
}

static void limits(void)
{
    struct rlimit limit = { 0 }, wrong = { 2, 1 };

    say("the stack has 8 MiB", getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == 8 << 20);
    say("it may be told to have less",
        (limit.rlim_cur = 1 << 20, setrlimit(RLIMIT_STACK, &limit) == 0));
    limit.rlim_cur = 0;
    say("which is remembered", getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == 1 << 20);
    say("no more than the most", setrlimit(RLIMIT_CORE, &wrong));
    say("no such limit", getrlimit(99, &limit));
}

static void chance(void)
{
    unsigned char one[32] = { 0 }, other[32] = { 0 };
    int differ = 0;

    say("getrandom",
        getrandom(one, sizeof(one), 0) == 32 && getrandom(other, sizeof(other), 0) == 32);
    for (int i = 0; i < 32; i++)
        differ += one[i] != other[i];
    say("gives something else each time", differ > 16);
    say("none are none", getrandom(one, 0, 0) == 0);
    say("an unknown flag", getrandom(one, 1, 0x80));
    say("to nowhere", getrandom((void *)8, 1, 0));
}

static void handler(int signal)
{
    (void)signal;
}

static void signals(void)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, before;
    sigset_t set, was;

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    say("sigaction", sigaction(SIGUSR1, &action, NULL) == 0);
    say("is kept", sigaction(SIGUSR1, NULL, &before) == 0 && before.sa_handler == handler &&
                       before.sa_flags & SA_RESTART && sigismember(&before.sa_mask, SIGUSR2));
    say("SIGKILL has none", syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
    say("signal 65", syscall(SYS_rt_sigaction, 65, NULL, &before, 8));
    say("a mask of 4 bytes", syscall(SYS_rt_sigaction, SIGUSR1, NULL, &before, 4));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGKILL);
    say("sigprocmask", sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    say("is kept, but for SIGKILL", sigprocmask(SIG_BLOCK, NULL, &was) == 0 &&
                                        sigismember(&was, SIGUSR1) && !sigismember(&was, SIGKILL));
    say("and undone", sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 &&
                          sigprocmask(SIG_SETMASK, NULL, &was) == 0 && !sigismember(&was, SIGUSR1));
    say("in no other way", sigprocmask(99, &set, NULL));
}

static void bases(void)
{
    unsigned long fs = 0, gs = 1, self;
    static unsigned long thing = 42;

    __asm__("mov %%fs:0, %0" : "=r"(self));
    say("FS points to its thread", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs) == 0 && fs == self);
    say("GS to nothing", syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) == 0 && gs == 0);
    say("GS can be set", syscall(SYS_arch_prctl, ARCH_SET_GS, &thing) == 0);
    __asm__("mov %%gs:0, %0" : "=r"(self));
    say("and points there", self == 42);
    getppid();
    __asm__("mov %%gs:0, %0" : "=r"(self));
    say("after a call, too", self == 42);
    say("not canonical", syscall(SYS_arch_prctl, ARCH_SET_GS, 1ul << 63));
    say("the kernel's", syscall(SYS_arch_prctl, ARCH_SET_FS, 0xffffffff80000000));
    say("no such code", syscall(SYS_arch_prctl, 0x9999, &gs));
    say("to nowhere", syscall(SYS_arch_prctl, ARCH_GET_FS, 8));
}

int main(void)
{
    identity();
    limits();
    chance();
    signals();
    bases();
    say("sched_yield", sched_yield() == 0);
    say("a robust list of another size", syscall(SYS_set_robust_list, NULL, 23));
    say("no such call", syscall(9999));
    say("nor one with a negative number", syscall(-2));
    say("nor one at all", syscall(0x40000000));
    return 23;
}
