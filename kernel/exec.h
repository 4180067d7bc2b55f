// Programs that come as files: who knows their formats, and what every format leaves to the kernel.
#pragma once

#include <arch/layout.h>
#include <kernel/process.h>

// Where things are in a 64-bit program's address space, as Linux has them without randomising.
#define EXEC_LOWEST     0x10000ul        // nothing of a file's lies below, so that NULL is nobody's
#define EXEC_STACK      0x7ffffffff000ul // the stack's end; a page below USER_END
#define EXEC_STACK_MOST 0x800000ul       // so far it grows down
#define EXEC_MMAP       (EXEC_STACK - 0x8000000ul) // addresses that mmap chooses lie below

// The same in a 32-bit program's; above its stack lies COMPAT_PAGE.
#define EXEC32_STACK 0xffffd000ul
#define EXEC32_MMAP  (EXEC32_STACK - 0x8000000ul)

#define EXEC_AUXV       24
#define EXEC_WORDS_MOST 0x20000ul // bytes of arguments and environment, with their pointers

struct auxv {
    u64 type, value;
};

// A program that is about to begin.
struct exec {
    // What the caller says. The file's bytes must stay where they are.
    const char *path; // absolute
    const void *file;
    size_t size;
    const char *const *argv, *const *envp; // each ends with NULL

    // What its format says.
    u64 entry;
    u64 cs;
    u64 stack;     // its end; EXEC_STACK_MOST bytes below are free
    unsigned word; // bytes of a pointer: 8 or 4
    u64 brk;       // the first page behind its data
    const char *platform;
    struct auxv auxv[EXEC_AUXV]; // what is special to the format; the rest is exec_stack.c's
    size_t auxv_count;
};

struct exec_format {
    const char *name;

    // Puts the file into the task's address space and fills in what it says. -ENOEXEC if it is another
    // format's or broken, -EINVAL or -ENOMEM for segments that cannot be.
    int (*load)(struct task *task, struct exec *exec);
    const struct exec_format *next;
};

// From now on files of this format are programs, too. `format` must stay.
void exec_register(struct exec_format *format);

// Adds an entry to the auxiliary vector. For formats.
void exec_auxv(struct exec *exec, u64 type, u64 value);

// Makes the task, new from process_new, one that begins with this program. 0, or what the format says, or
// -E2BIG; then the task is good for process_free alone.
int exec_load(struct task *task, struct exec *exec);

// The same with the file of that name, by an absolute path. Also -ENOENT, -EACCES, -ENOTDIR, -ENAMETOOLONG.
int process_exec(struct task *task, const char *path, const char *const argv[],
                 const char *const envp[]);

// Linux's initial stack. Gives its lowest address, where argc is, to *stack_pointer. exec_stack.c
int exec_stack(struct task *task, const struct exec *exec, u64 *stack_pointer);
