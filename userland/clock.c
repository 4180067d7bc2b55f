// Time passes, and never backwards; a program can wait for it.

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define MILLISECOND 1000000L

static void say(const char *what, int result)
{
    printf("%-44s %s\n", what, result == -1 ? strerror(errno) : result ? "yes" : "NO");
}

static int64_t now(clockid_t clock)
{
    struct timespec time = { 0 };

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int never_back(void)
{
    int64_t before = now(CLOCK_MONOTONIC), first = before;

    for (int i = 0; i < 1000; i++) {
        int64_t next = now(CLOCK_MONOTONIC);

        if (next < before)
            return 0;
        before = next;
    }
    return before > first;
}

static void sleeping(void)
{
    const struct timespec wait = { 0, 5 * MILLISECOND }, wrong = { 0, 1000 * MILLISECOND };
    int64_t start = now(CLOCK_MONOTONIC);
    struct timespec until;

    say("nanosleep", nanosleep(&wait, NULL) == 0);
    say("lasts as long as it was to", now(CLOCK_MONOTONIC) - start >= wait.tv_nsec);
    say("a billion nanoseconds are no part of a second", nanosleep(&wrong, NULL));
    start = now(CLOCK_MONOTONIC) + 3 * MILLISECOND;
    until = (struct timespec){ start / 1000000000L, start % 1000000000L };
    say("waiting until a time", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    say("that has come", now(CLOCK_MONOTONIC) >= start);
    say("waiting for what was", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
}

int main(void)
{
    struct timespec resolution;
    struct timeval of_day;
    struct tm *date;
    time_t seconds = time(NULL);

    say("time goes on, and never back", never_back());
    sleeping();
    say("the clock's steps are below a millisecond",
        clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 &&
            resolution.tv_nsec < MILLISECOND);
    gettimeofday(&of_day, NULL);
    say("all agree what time it is",
        of_day.tv_sec - seconds < 60 && now(CLOCK_REALTIME) / 1000000000L - of_day.tv_sec < 60);
    date = gmtime(&seconds);
    say("and it is no earlier than 2023", date && date->tm_year >= 123);
    say("this program has used the CPU", now(CLOCK_PROCESS_CPUTIME_ID) > 0);
    say("no such clock", clock_gettime(99, &resolution));
    return 0;
}
