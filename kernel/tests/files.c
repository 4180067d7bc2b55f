// The kernel's own tests: open files and descriptors.

#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/path.h>
#include <kernel/string.h>
#include <kernel/test.h>

TEST(descriptors)
{
    struct files *files = files_new(), *copy;
    struct file *file = capture_new(NULL, 0, 4);
    size_t size;
    bool lost;
    int fd = 0;

    report(files && file, "a table and a file");
    if (!files || !file)
        return;
    report(!files_get(files, 0) && !files_get(files, -1) && !files_get(files, FILES_MOST),
           "nothing is open");
    file->users++; // this function's
    report_count(files_add(files, file, 5, true), 5, "the lowest from 5 on");
    for (; file->users++, fd >= 0; fd = files_add(files, file, 0, false))
        continue;
    file_put(file);
    file_put(file);
    report_error(fd, -EMFILE, "when all are taken");
    report_count(file->users, FILES_MOST + 1, "users");
    report_error(files_close(files, 7), 0, "closing 7");
    report_error(files_close(files, 7), -EBADF, "closing it again");
    report_error(files_close(files, FILES_MOST), -EBADF, "closing what cannot be");
    file->users++;
    report_count(files_add(files, file, 0, false), 7, "the lowest that is free");
    report_equal(files->closing, 1 << 5, "those that exec closes");
    copy = files_copy(files);
    report_count(file->users, 2 * FILES_MOST + 1, "users, with a copy of the table");
    files_exec(copy);
    report(!copy->file[5] && copy->file[6] == file, "exec closes one");
    files_free(copy);
    files_free(files);
    report_count(file->users, 1, "users in the end");
    for (unsigned i = 0; i < 2; i++) {
        struct span span = { (u64)(i ? "def" : "abc"), 3 };
        struct spans spans = spans_kernel(&span);

        report_count(file->operations->write(file, &spans), 3, "bytes taken");
    }
    report(!strncmp(capture_text(file, &size, &lost), "abcd", 4), "what was kept");
    report_count(size, 4, "bytes");
    report(lost, "some were lost");
    file_put(file);
}
