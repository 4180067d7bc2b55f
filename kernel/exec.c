// Programs that come as files.

#include <kernel/elf.h>
#include <kernel/errno.h>
#include <kernel/exec.h>
#include <kernel/panic.h>
#include <kernel/string.h>

// ELF64 is always known; what else registers itself comes before.
static const struct exec_format *formats = &elf64_format;

void exec_register(struct exec_format *format)
{
    format->next = formats;
    formats = format;
}

void exec_auxv(struct exec *exec, u64 type, u64 value)
{
    if (exec->auxv_count == EXEC_AUXV)
        panic("no room for type %lu in the auxiliary vector", type);
    exec->auxv[exec->auxv_count++] = (struct auxv){ type, value };
}

// The first format that takes it. What each refuses with -ENOEXEC may be another's.
static int load(struct task *task, struct exec *exec)
{
    for (const struct exec_format *format = formats; format; format = format->next) {
        int error;

        exec->auxv_count = 0;
        error = format->load(task, exec);
        if (error != -ENOEXEC)
            return error;
    }
    return -ENOEXEC;
}

int exec_load(struct task *task, struct exec *exec)
{
    struct process *process = task->process;
    struct pt_regs *regs = task_regs(task);
    u64 stack_pointer;
    int error;

    if (strlen(exec->path) >= sizeof(process->exe))
        return -ENAMETOOLONG;
    error = load(task, exec);
    if (!error)
        error = exec_stack(task, exec, &stack_pointer);
    if (error)
        return error;
    user_frame_make(regs, exec->entry, stack_pointer);
    regs->cs = exec->cs;
    memcpy(process->exe, exec->path, strlen(exec->path) + 1);
    process->brk_start = process->brk = exec->brk;
    return 0;
}
