// A hostile program in a process of its own.

#include <arch/paging.h>
#include <kernel/compat_page.h>
#include <kernel/file.h>
#include <kernel/hostile/hostile.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/regions.h>

enum { OUTPUT = 256 };

static int fill_page(const struct region *region, u64 address, void *memory)
{
    page_copy(memory, (const u8 *)region->context + (address - region->start));
    return 0;
}

static int add_regions(struct address_space *space, struct program *program)
{
    const unsigned user = ACCESS_USER | ACCESS_READ;
    const struct region regions[] = {
        { .start = CODE,
          .end = CODE + PAGE_SIZE,
          .rights = user | ACCESS_EXECUTE,
          .fill = fill_page,
          .context = program->code },
        { .start = DATA,
          .end = DATA + DATA_SIZE,
          .rights = user | ACCESS_WRITE,
          .fill = fill_page,
          .context = program->data },
        { .start = READ_ONLY, .end = READ_ONLY + PAGE_SIZE, .rights = user },
        { .start = FORBIDDEN, .end = FORBIDDEN + PAGE_SIZE, .rights = ACCESS_USER },
        { .start = STACK - PAGE_SIZE,
          .end = STACK,
          .rights = user | ACCESS_WRITE,
          .lowest = STACK - STACK_MOST },
        { .start = LAST_PAGE,
          .end = USER_END,
          .rights = user | ACCESS_EXECUTE,
          .fill = fill_page,
          .context = program->last_page },
    };
    int error = compat_page_map(space);

    for (size_t i = 0; i < array_length(regions) && !error; i++)
        error = region_add(space, &regions[i]);
    return error;
}

// No console: nobody types what it would wait for, and what it says is no news.
static int add_files(struct files *files)
{
    static const char input[] = "what somebody typed";
    struct file *capture = capture_new(input, sizeof(input), OUTPUT);

    if (!capture)
        return -1;
    for (unsigned fd = 0; fd < 3; fd++) {
        capture->users++;
        files_set(files, fd, capture, false);
    }
    file_put(capture);
    files_add(files, file_open(files->directory, O_RDONLY), 3, false);
    return 0;
}

struct task *program_load(struct program *program)
{
    struct task *task = process_new("hostile");

    if (!task || add_regions(task->space, program) != 0 || add_files(task->process->files) != 0)
        panic("no memory for a hostile program");
    user_frame_make(task_regs(task), CODE, STACK);
    return task;
}
