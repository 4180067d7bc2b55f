// Running programs, one after the other: those that the command line names with run=; and in a kernel without
// tests, else, those that somebody types. There is no fork yet: the kernel does what a shell would do.

#include <arch/machine.h>
#include <kernel/cmdline.h>
#include <kernel/command.h>
#include <kernel/errno.h>
#include <kernel/errno_name.h>
#include <kernel/exec.h>
#include <kernel/file.h>
#include <kernel/init.h>
#include <kernel/path.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/test.h>

#define PROGRAMS "/bin/"

enum { LINE = 1024, SEVERAL = 4 }; // so deep the boot stack reaches

static const char *const environment[] = { "HOME=/", "PATH=/bin", "TERM=dumb", NULL };

static unsigned number, failures;

// ---- one ---------------------------------------------------------------------------------------------

// Where a program of this name lies: in PROGRAMS, or where its path says.
static const char *path_of(const char *name, char path[PROCESS_PATH])
{
    size_t prefix = sizeof(PROGRAMS) - 1, length = strlen(name);

    for (const char *c = name; *c; c++)
        if (*c == '/')
            return name;
    if (prefix + length >= PROCESS_PATH)
        return name;
    memcpy(path, PROGRAMS, prefix);
    memcpy(path + prefix, name, length + 1);
    return path;
}

static void print_end(const struct task_end *end)
{
    if (end->exited)
        print("exit status %d\n", end->status);
    else
        print("killed by signal %d\n", process_end_signal(end));
}

// The lines around what it prints carry the nonce, so that nothing it prints can be taken for them.
static void run(const char *const argv[])
{
    char path[PROCESS_PATH];
    struct task *task = process_new(argv[0]);
    int error = task ? process_exec(task, path_of(argv[0], path), argv, environment) : -ENOMEM;

    print("# program %u [%s]: %s\n", ++number, cmdline.nonce, argv[0]);
    if (error) {
        print("# end %u [%s]: not run: %s\n", number, cmdline.nonce, errno_name(-error));
    } else {
        task_run(task);
        file_console_reset();
        print("# end %u [%s]: ", number, cmdline.nonce);
        print_end(&task->end);
    }
    failures += error || !task->end.exited || task->end.status;
    if (task)
        process_free(task);
}

// ---- several -----------------------------------------------------------------------------------------

static void run_text(char *text, unsigned depth);

// The commands in a file.
static void run_file(const char *path, unsigned depth)
{
    const struct node *node;
    char line[LINE];
    size_t at = 0;

    if (depth == SEVERAL || path_find(&root_tree.root, path, 0, &node) ||
        node_kind(node) != S_IFREG) {
        print("# no file with commands: %s\n", path);
        failures++;
        return;
    }
    while (at < node->size) {
        size_t length = 0;

        for (; at < node->size && node->data[at] != '\n'; at++)
            if (length < sizeof(line) - 1)
                line[length++] = node->data[at];
        at++;
        line[length] = '\0';
        run_text(line, depth + 1);
    }
}

// Commands; one that begins with `@` is a file with commands.
static void run_text(char *text, unsigned depth)
{
    struct command command;

    while (command_next(&text, &command)) {
        if (command.problem) {
            print("# %s\n", command.problem);
            failures++;
        } else if (command.argv[0][0] == '@') {
            run_file(command.argv[0] + 1, depth);
        } else {
            run(command.argv);
        }
    }
}

// ---- somebody is there --------------------------------------------------------------------------------

static void list_programs(void)
{
    const struct node *directory;

    if (path_find(&root_tree.root, PROGRAMS, 0, &directory))
        return;
    for (const struct node *node = directory->children; node; node = node->next)
        print(" %s", node->name);
    print("\n");
}

// What is typed next, without its end of line. False at an end of file.
static bool ask(struct file *console, char line[LINE])
{
    const struct span span = { (u64)line, LINE - 1 };
    struct spans to = spans_kernel(&span);
    long size;

    print("gatehouse> ");
    size = console->operations->read(console, 0, &to);
    if (size <= 0)
        return false;
    line[size] = '\0';
    return true;
}

static void ask_for_programs(void)
{
    static char line[LINE];
    struct file *console = file_console();

    print("\nThe programs in " PROGRAMS " are:");
    list_programs();
    print("Type one with its arguments; @/etc/demo runs what is in that file; Ctrl-D ends.\n");
    while (console && ask(console, line))
        run_text(line, 0);
    print("\n");
    failures = 0; // whoever was there has seen them
}

static void programs(void)
{
    static char demonstration[] = "@/etc/demo";

    if (cmdline.run) {
        run_text(cmdline.run, 0);
    } else if (&tests_start[0] == &tests_stop[0]) {
        run_text(demonstration, 0);
        ask_for_programs();
    } else {
        return;
    }
    machine_end(failures ? MACHINE_FAILED : MACHINE_PASSED);
}
INIT(INIT_PROGRAMS, programs);
