// The kernel's own tests: archives, good and hostile ones, and the paths of what was in them.

#include <kernel/errno.h>
#include <kernel/initramfs.h>
#include <kernel/path.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/tests/archive.h>

enum { HEADER = ARCHIVE_HEADER };

static struct tree tree = { .newest = &tree.root };

static void begin(void)
{
    archive_size = 0;
    tree_cut(&tree, NULL);
    tree_initialise(&tree);
}

static void put_good(void)
{
    archive_put(".", S_IFDIR | 0755, "");
    archive_put("bin", S_IFDIR | 0755, "");
    archive_put("bin/true", S_IFREG | 0755, "the program");
    archive_put("bin/yes", S_IFLNK | 0777, "true");
    archive_put("./bin/sub", S_IFDIR | 0700, "");
    archive_put("bin/sub/empty", S_IFREG | 0644, "");
    archive_end();
}

static struct initramfs_problem problem;

static int load(size_t size)
{
    return initramfs_add(&tree, archive, size, &problem);
}

static void expect_good(void)
{
    int error = load(archive_size);

    report_error(error, 0, "loading (%s)", problem.what);
}

TEST(initramfs)
{
    const struct node *node;
    size_t length;

    begin();
    put_good();
    expect_good();
    node = node_child(&tree.root, "bin", 3);
    report(node, "/bin is there");
    if (!node)
        return;
    report_count(node->directories, 1, "directories in /bin");
    node = node_child(node, "true", 4);
    report(node, "/bin/true is there");
    if (!node)
        return;
    report_equal(node->mode, S_IFREG | 0755, "its mode");
    report_count(node->size, 11, "its size");
    report_count(node->owner, 1000, "its owner");
    report_count(node->group, 100, "its group");
    report_count(node->modified, 1234567890, "when it was written");
    report(!memcmp(node->data, "the program", 11), "its bytes");
    node = node_child(node->parent, "yes", 3);
    report(node && node_kind(node) == S_IFLNK, "/bin/yes is a link");
    if (node)
        report(!memcmp(node_leads(node, &length), "true", 4) && length == 4, "and leads to true");
    begin();
}

// A directory may be in two archives, any other name in one.
TEST(initramfs_twice)
{
    const struct node *last;

    begin();
    put_good();
    expect_good();
    last = tree.newest;
    report_error(load(archive_size), -EEXIST, "the same once more");
    report(!strcmp(problem.path, "bin/true"), "the path that is there already");
    report(!memcmp(archive + problem.at + HEADER, "bin/true", 9), "where its entry begins");
    report_equal(tree.newest, last, "the newest node then");
    archive_end(); // elsewhere, for what was read stays in use
    size_t second = archive_size;
    archive_put("bin", S_IFDIR | 0700, "");
    archive_put("bin/false", S_IFREG | 0755, "no");
    archive_end();
    report_error(initramfs_add(&tree, archive + second, archive_size - second, &problem), 0,
                 "another one");
    report_count(tree.newest->inode, last->inode + 1, "inode of the new one");
    begin();
}

// Makes one thing of the good archive wrong.
#define SPOILT "bin/xyz" // two zeroes follow it
static size_t spoilt;    // the entry

static void spoil_magic(void)
{
    archive[spoilt + 5] = '2';
}

static void spoil_digit(void)
{
    archive[spoilt + 6 + 8 * AT_SIZE] = 'g';
}

static void spoil_sign(void)
{
    archive[spoilt + 6 + 8 * AT_SIZE] = '-';
}

static void spoil_padding(void)
{
    archive[spoilt + HEADER + sizeof(SPOILT)] = 1;
}

static void huge_file(void)
{
    archive_set(spoilt, AT_SIZE, 0xffffffff);
}

static void huge_name(void)
{
    archive_set(spoilt, AT_NAME_SIZE, 0xffffffff);
}

static void name_without_room(void)
{
    archive_set(spoilt, AT_NAME_SIZE, ARCHIVE_ROOM);
}

static void no_name(void)
{
    archive_set(spoilt, AT_NAME_SIZE, 0);
}

static void empty_name(void)
{
    archive_set(spoilt, AT_NAME_SIZE, 1);
}

static void name_without_nul(void)
{
    archive[spoilt + HEADER + sizeof(SPOILT) - 1] = 'x';
}

static void nul_in_name(void)
{
    archive[spoilt + HEADER + 1] = '\0';
}

static void two_links(void)
{
    archive_set(spoilt, AT_LINKS, 2);
}

static void a_device(void)
{
    archive_set(spoilt, AT_MODE, S_IFCHR | 0666);
}

static void unknown_mode(void)
{
    archive_set(spoilt, AT_MODE, S_IFREG | 1 << 16);
}

static void directory_with_contents(void)
{
    archive_set(spoilt, AT_MODE, S_IFDIR | 0755);
}

static void nul_in_link(void)
{
    archive_set(spoilt, AT_MODE, S_IFLNK | 0777);
    archive[spoilt + HEADER + sizeof(SPOILT) + 2] = '\0'; // the first byte of its text
}

TEST(initramfs_spoilt)
{
    static void (*const spoil[])(void) = {
        spoil_magic, spoil_digit,  spoil_sign,        spoil_padding,
        huge_file,   huge_name,    name_without_room, no_name,
        empty_name,  nul_in_name,  name_without_nul,  two_links,
        a_device,    unknown_mode, nul_in_link,       directory_with_contents,
    };

    for (size_t i = 0; i < array_length(spoil); i++) {
        begin();
        archive_put("bin", S_IFDIR | 0755, "");
        spoilt = archive_put(SPOILT, S_IFREG | 0644, "text");
        archive_end();
        spoil[i]();
        report_error(load(archive_size), -EINVAL, "error for the %zuth", i);
        report(problem.what, "a word on the %zuth", i);
        report_equal(tree.newest, &tree.root, "nodes left of the %zuth", i);
    }
    begin();
}

TEST(initramfs_names)
{
    const struct {
        const char *path;
        int error;
    } rows[] = {
        { "x", 0 },
        { "./x", 0 },
        { "/x", -EINVAL },
        { "../x", -EINVAL },
        { "bin/..", -EINVAL },
        { "bin/./x", -EINVAL },
        { "bin//x", -EINVAL },
        { "bin/", -EINVAL },
        { "./.", -EINVAL },
        { "./", -EINVAL },
        { "no/x", -ENOENT },
        { "file/x", -ENOTDIR },
        { "link/x", -ENOTDIR },
        { "file", -EEXIST },
        { "bin", -EEXIST },
        { ".", -EEXIST },
        { "..x", 0 },
    };

    for (size_t i = 0; i < array_length(rows); i++) {
        begin();
        archive_put("bin", S_IFDIR | 0755, "");
        archive_put("file", S_IFREG | 0644, "text");
        archive_put("link", S_IFLNK | 0777, "bin");
        archive_put(rows[i].path, S_IFREG | 0644, "");
        archive_end();
        report_error(load(archive_size), rows[i].error, "\"%s\"", rows[i].path);
    }
    begin();
}

// Ends anywhere: nothing of it is taken. What follows the trailer must be zeroes.
TEST(initramfs_cut_short)
{
    size_t taken = 0;

    begin();
    put_good();
    for (size_t size = 0; size < archive_size - 1; size++)
        taken += load(size) == 0 || tree.newest != &tree.root;
    report_count(taken, 0, "archives taken that were cut short");
    memset(archive + archive_size, 0, 512);
    report_error(load(archive_size + 512), 0, "with zeroes behind it");
    tree_cut(&tree, NULL);
    archive[archive_size + 511] = '0';
    report_error(load(archive_size + 512), -EINVAL, "with something else behind it");
    begin();
}

// Whatever bytes change: an archive is taken with all its files within it, or refused as a whole.
TEST(initramfs_mutated)
{
    enum { MUTATIONS = 5000 };
    static char good[4096];
    unsigned taken = 0, outside = 0, left = 0;

    begin();
    put_good();
    memcpy(good, archive, archive_size);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        memcpy(archive, good, archive_size);
        for (u64 changes = test_random() % 4 + 1; changes; changes--)
            archive[test_random() % archive_size] =
                test_random() % 2 ? (char)test_random() : "0f./\0"[test_random() % 5];
        if (load(archive_size) == 0) {
            taken++;
            for (struct node *node = tree.newest; node != &tree.root; node = node->older)
                outside += node->data < archive || node->data + node->size > archive + archive_size;
        } else {
            left += tree.newest != &tree.root;
        }
        tree_cut(&tree, NULL);
    }
    report(taken > 0 && taken < MUTATIONS, "some are taken, some are not");
    report_count(outside, 0, "files outside of the archive");
    report_count(left, 0, "refused archives that left nodes");
    report_count(tree.root.directories, 0, "directories left in the root");
    begin();
}

// ---- paths -----------------------------------------------------------------------------------------

static const struct node *find(const char *path, unsigned flags, int *error)
{
    const struct node *found;

    *error = path_find(node_child(&tree.root, "bin", 3), path, flags, &found);
    return found;
}

TEST(paths)
{
    enum { NO = PATH_NO_FOLLOW };
    static char long_name[NAME_LONGEST + 2];
    const struct {
        const char *path;
        unsigned flags;
        int error;
        const char *name; // of what is found, or of the directory where it is not
    } rows[] = {
        { "/", 0, 0, "" },
        { "///", 0, 0, "" },
        { ".", 0, 0, "bin" },
        { "..", 0, 0, "" },
        { "../../..", 0, 0, "" },
        { "true", 0, 0, "true" },
        { "./../bin/true", 0, 0, "true" },
        { "/bin//true", 0, 0, "true" },
        { "/bin/", 0, 0, "bin" },
        { "", 0, -ENOENT, NULL },
        { "no", 0, -ENOENT, "bin" },
        { "no/", 0, -ENOENT, "bin" },
        { "no/true", 0, -ENOENT, NULL },
        { "true/", 0, -ENOTDIR, NULL },
        { "true/x", 0, -ENOTDIR, NULL },
        { "true/..", 0, -ENOTDIR, NULL },
        { "yes", 0, 0, "true" },
        { "yes", NO, 0, "yes" },
        { "yes/", NO, -ENOTDIR, NULL },
        { "yes/x", NO, -ENOTDIR, NULL },
        { "/home", 0, 0, "sub" },
        { "/home", NO, 0, "home" },
        { "/home/", NO, 0, "sub" },
        { "/home/empty", NO, 0, "empty" },
        { "/home/..", 0, 0, "bin" },
        { "/file_as_directory", 0, -ENOTDIR, NULL },
        { "/file_as_directory", NO, 0, "file_as_directory" },
        { "/dangling", 0, -ENOENT, "bin" },
        { "/dangling", NO, 0, "dangling" },
        { "/dangling/x", 0, -ENOENT, NULL },
        { "/loop", 0, -ELOOP, NULL },
        { "/loop", NO, 0, "loop" },
        { "/loop/x", NO, -ELOOP, NULL },
        { long_name, 0, -ENAMETOOLONG, NULL },
        { long_name + 1, 0, -ENOENT, "bin" },
    };

    memset(long_name, 'x', NAME_LONGEST + 1);
    begin();
    put_good();
    archive_size -= HEADER + 14; // the trailer
    archive_put("home", S_IFLNK | 0777, "/bin/./sub");
    archive_put("file_as_directory", S_IFLNK | 0777, "bin/true/");
    archive_put("dangling", S_IFLNK | 0777, "home/../no");
    archive_put("loop", S_IFLNK | 0777, "bin/../loop");
    archive_end();
    expect_good();
    for (size_t i = 0; i < array_length(rows); i++) {
        int error;
        const struct node *found = find(rows[i].path, rows[i].flags, &error);

        report_error(error, rows[i].error, "\"%s\"", rows[i].path);
        report(found ? rows[i].name && !strcmp(found->name, rows[i].name) : !rows[i].name,
               "what is found by \"%s\"", rows[i].path);
    }
    begin();
}

// 40 links are followed, and not one more.
TEST(path_links)
{
    char name[] = "l00", next[] = "l00";
    int error;

    begin();
    archive_put("bin", S_IFDIR | 0755, "");
    archive_put("l00", S_IFREG | 0644, "");
    for (unsigned i = 1; i <= PATH_LINKS + 1; i++) {
        memcpy(next, name, sizeof(name));
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        archive_put(name, S_IFLNK | 0777, next);
    }
    archive_end();
    expect_good();
    find("/l40", 0, &error);
    report_error(error, 0, "through 40 links");
    find("/l41", 0, &error);
    report_error(error, -ELOOP, "through 41 links");
    begin();
}

TEST(node_path)
{
    char buffer[16];
    const struct node *node;
    int error;

    begin();
    put_good();
    expect_good();
    node = find("sub", 0, &error);
    report(node, "/bin/sub is there");
    if (!node)
        return;
    report(!strcmp(node_path(node, buffer, sizeof(buffer)), "/bin/sub"), "path of /bin/sub");
    report(!strcmp(node_path(node, buffer, 9), "/bin/sub"), "path that just fits");
    report(!node_path(node, buffer, 8), "one byte too little");
    report(!strcmp(node_path(&tree.root, buffer, 2), "/"), "path of the root");
    report(!node_path(&tree.root, buffer, 1), "no room for it");
    begin();
}
