// The kernel's own tests: open files and descriptors.

#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/files/line.h>
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

// ---- typing ----------------------------------------------------------------------------------------

static char echoed[2 * LINE_LONGEST];
static size_t echoed_size;

static void echo(const void *text, size_t size)
{
    memcpy(echoed + echoed_size, text, size);
    echoed_size += size;
}

// Types all keys of the text; what is complete is read. The bytes read.
static size_t type(struct line *line, const char *keys, char *to, size_t room)
{
    const struct span span = { (u64)to, room };
    struct spans spans = spans_kernel(&span);

    echoed_size = 0;
    for (; *keys; keys++) {
        line_typed(line, *keys);
        if (line->complete)
            line_read(line, &spans);
    }
    return room - spans.left;
}

TEST(typing)
{
    static const struct {
        const char *keys, *read, *echo;
    } rows[] = {
        { "abc\r", "abc\n", "abc\n" },
        { "abc", "", "abc" },
        { "abx\177c\n", "abc\n", "abx\b \bc\n" },
        { "\b\177ab\b\b\b\n", "\n", "ab\b \b\b \b\n" },
        { "ab\001\177\n", "ab\n", "ab^A\b \b\b \b\n" },
        { "wrong\025a\n", "a\n", "wrong\b \b\b \b\b \b\b \b\b \ba\n" },
        { "a\n\nb\n", "a\n\nb\n", "a\n\nb\n" },
        { "ab\004c\n", "abc\n", "abc\n" },
        { "\004", "", "" },
        { "\303\244\n", "\303\244\n", "\303\244\n" },
    };
    static struct line line = { .echo = echo };
    static char read[LINE_LONGEST];

    for (size_t i = 0; i < array_length(rows); i++) {
        size_t size = type(&line, rows[i].keys, read, sizeof(read));

        report(size == strlen(rows[i].read) && !memcmp(read, rows[i].read, size),
               "what is read of the %zuth", i);
        report(echoed_size == strlen(rows[i].echo) && !memcmp(echoed, rows[i].echo, echoed_size),
               "what is echoed of the %zuth", i);
        line = (struct line){ .echo = echo };
    }
}

// What an editor of lines asks for: every key by itself, and no echo but its own.
TEST(typing_by_keys)
{
    static struct line line = { .echo = echo, .single = true, .silent = true };
    static char read[LINE_LONGEST];

    report_count(type(&line, "a\b\r\004", read, sizeof(read)), 4, "keys");
    report(!memcmp(read, "a\b\n\004", 4), "which ones");
    report_count(echoed_size, 0, "bytes echoed");
    line.raw = true;
    report_count(type(&line, "\r", read, sizeof(read)), 1, "a key");
    report_equal(read[0], '\r', "a carriage return as it is");
    line_typed(&line, 'x');
    report(line.complete, "one key is complete");
}

// A reader with little room gets the line in parts; one that is too long loses its end, not its newline.
TEST(typing_long_lines)
{
    static struct line line = { .echo = echo };
    static char read[2 * LINE_LONGEST];
    struct span span = { (u64)read, 3 };
    struct spans to = { .span = &span, .left = 3, .kernel = true };

    echoed_size = 0;
    for (unsigned i = 0; i < LINE_LONGEST + 10; i++)
        line_typed(&line, 'x');
    report(!line.complete, "it is not complete yet");
    report_equal(echoed[echoed_size - 1], '\a', "what a key too many shows");
    line_typed(&line, '\n');
    report(line.complete, "it is complete");
    report_count(line_read(&line, &to), 3, "a part of it");
    span.size = to.left = sizeof(read);
    to.span = &span;
    to.done = 0;
    report_count(line_read(&line, &to), LINE_LONGEST - 3, "the rest");
    report_equal(read[LINE_LONGEST - 4], '\n', "its last byte");
    report(!line.complete, "the next line has begun");
}
