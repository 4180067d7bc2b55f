// poll: waiting until a file can be read or written. Only the terminal makes anybody wait, for what is typed.

#include <arch/serial.h>
#include <arch/user.h>
#include <kernel/calls/calls.h>
#include <kernel/calls/files.h>
#include <kernel/errno.h>
#include <kernel/time.h>

enum { POLLNVAL = 0x20 }; // no such descriptor

struct entry {
    int fd;
    u16 wanted, found;
};
static_assert(sizeof(struct entry) == 8, "struct pollfd");

static u16 look_at(const struct entry *entry)
{
    struct file *file = entry->fd < 0 ? NULL : current_file(entry->fd);
    unsigned ready = FILE_CAN_READ | FILE_CAN_WRITE;

    if (!file)
        return entry->fd < 0 ? 0 : POLLNVAL;
    if (file->operations->ready)
        ready = file->operations->ready(file);
    file_put(file);
    return ready & entry->wanted;
}

// How many of them have something to say.
static long look(struct entry *entries, u32 count)
{
    long found = 0;

    for (u32 i = 0; i < count; i++) {
        entries[i].found = look_at(&entries[i]);
        found += entries[i].found != 0;
    }
    return found;
}

long sys_poll(u64 user, u32 count, int milliseconds)
{
    u64 end = milliseconds < 0 ? TIME_NEVER : time_after((u64)milliseconds * MILLISECOND);
    struct entry entries[FILES_MOST];
    size_t size = count * sizeof(*entries);
    long found;

    if (count > FILES_MOST)
        return -EINVAL;
    if (copy_from_user(entries, user, size))
        return -EFAULT;
    while (!(found = look(entries, count)) && time_ns() < end)
        serial_receive_wait(end);
    return copy_to_user(user, entries, size) ? -EFAULT : found;
}
