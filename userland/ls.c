// ls DIRECTORY...: what is in directories, sorted: kind, size and name of each.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void show(const char *name)
{
    char leads[256];
    struct stat status;
    ssize_t length;

    if (lstat(name, &status) != 0) {
        perror(name);
        return;
    }
    if (S_ISDIR(status.st_mode))
        printf("d %8s %s\n", "", name);
    else if (S_ISREG(status.st_mode))
        printf("- %8lld %s\n", (long long)status.st_size, name);
    else if ((length = readlink(name, leads, sizeof(leads))) >= 0)
        printf("l %8s %s -> %.*s\n", "", name, (int)length, leads);
    else
        printf("? %8s %s\n", "", name);
}

static int list(const char *directory)
{
    struct dirent **entries;
    int count;

    if (chdir(directory) != 0 || (count = scandir(".", &entries, visible, alphasort)) < 0) {
        perror(directory);
        return 1;
    }
    printf("%s:\n", directory);
    for (int i = 0; i < count; i++) {
        show(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc < 2)
        return list(".");
    for (int i = 1; i < argc; i++)
        failed |= list(argv[i]);
    return failed;
}
