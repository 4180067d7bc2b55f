// The kernel's own tests: system calls of files without sense.

#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/memory.h>
#include <kernel/test.h>
#include <kernel/tests/caller.h>

#define ANY_ADDRESS addresses[test_random() % array_length(addresses)]
#define ANY_FD      ((int)(test_random() % 12) - 2)
#define ANY_SIZE    (test_random() % 8 ? test_random() % 64 : test_random())

static void any_call(void)
{
    static const u64 addresses[] = { 0,           PATHS,   DATA,    READ_ONLY - 3,
                                     NOTHING - 3, NOTHING, NOT_ITS, ~0ul };

    switch (test_random() % 15) {
    case 0:
        sys_read(ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 1:
        sys_write(ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 2:
        sys_openat(ANY_FD, ANY_ADDRESS, (int)test_random(), 0);
        break;
    case 3:
        sys_close(ANY_FD);
        break;
    case 4:
        sys_newfstatat(ANY_FD, ANY_ADDRESS, ANY_ADDRESS, test_random() & 0x1100);
        break;
    case 5:
        sys_readv(ANY_FD, ANY_ADDRESS, (long)ANY_SIZE);
        break;
    case 6:
        sys_writev(ANY_FD, ANY_ADDRESS, (long)ANY_SIZE);
        break;
    case 7:
        sys_lseek(ANY_FD, (long)ANY_SIZE, (u32)test_random() % 8);
        break;
    case 8:
        sys_getdents64(ANY_FD, ANY_ADDRESS, (u32)ANY_SIZE);
        break;
    case 9:
        sys_fcntl(ANY_FD, (u32)test_random() % 6, ANY_SIZE);
        break;
    case 10:
        sys_dup3(ANY_FD, ANY_FD, test_random() % 2 ? O_CLOEXEC : 0);
        break;
    case 11:
        sys_sendfile(ANY_FD, ANY_FD, ANY_ADDRESS, ANY_SIZE);
        break;
    case 12:
        sys_readlinkat(ANY_FD, ANY_ADDRESS, ANY_ADDRESS, (int)ANY_SIZE);
        break;
    case 13:
        sys_getcwd(ANY_ADDRESS, ANY_SIZE);
        break;
    case 14:
        sys_chdir(ANY_ADDRESS);
        break;
    }
}

// Whatever a program passes: no call brings the kernel down, and nothing is left. After the first rounds the heap
// has all that it keeps for the next.
TEST(file_nonsense)
{
    enum { ROUNDS = 6, CALLS = 4000 };
    size_t left[ROUNDS];

    for (unsigned round = 0; round < ROUNDS; round++) {
        caller_begin("some input");
        caller_open("/box", O_RDONLY);
        caller_open("/box/motd", O_RDONLY);
        files_set(current_files(), 2, NULL,
                  false); // of the terminal: what is written would be caller_seen,
        files_set(current_files(), 0, NULL, false); // and nobody types
        caller_path("/box/../dev/null");
        for (unsigned i = 0; i < CALLS; i++)
            any_call();
        caller_end();
        left[round] = pages_available();
    }
    report_count(left[ROUNDS - 1], left[ROUNDS / 2], "free pages after half of the rounds and all");
}
