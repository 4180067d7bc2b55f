// Files to the standard output, by read and write alone; without a name, the standard input.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int fd, const char *name)
{
    char buffer[4096];
    ssize_t size;

    while ((size = read(fd, buffer, sizeof(buffer))) > 0)
        for (ssize_t done = 0, part; done < size; done += part)
            if ((part = write(1, buffer + done, (size_t)(size - done))) < 0)
                return 1;
    if (size == 0)
        return 0;
    dprintf(1, "cat: %s: %s\n", name, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    int status = argc == 1 ? copy(0, "standard input") : 0;

    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);

        if (fd < 0) {
            dprintf(1, "cat: %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        status |= copy(fd, argv[i]);
        close(fd);
    }
    return status;
}
