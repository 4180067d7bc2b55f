// The multiboot information. Multiboot specification 0.6.96, section 3.3.

#include <arch/boot.h>
#include <arch/layout.h>
#include <kernel/string.h>

enum {
    HAS_CMDLINE = 1 << 2,
    HAS_MODULES = 1 << 3,
    HAS_MEMORY_MAP = 1 << 6,
    HAS_LOADER_NAME = 1 << 9,
};
enum { USABLE = 1 };

struct multiboot {
    u32 flags, mem_lower, mem_upper, boot_device;
    u32 cmdline;
    u32 modules, modules_address, symbols[4];
    u32 map_length, map_address;
    u32 drives_length, drives_address, config_table;
    u32 loader_name;
} packed;

struct map_entry {
    u32 size; // of what follows it
    u64 base, length;
    u32 type;
} packed;

struct module_entry {
    u32 start, end, text, reserved;
} packed;

struct boot_info boot_info;

// QEMU puts the kernel file's path before our words; GRUB 2 and our own boot sector do not.
static const char *skip_path(const char *text)
{
    while (*text && *text != ' ')
        text++;
    return text;
}

static void read_cmdline(const char *text)
{
    size_t length = strlen(text);

    if (length >= BOOT_CMDLINE)
        length = BOOT_CMDLINE - 1;
    memcpy(boot_info.cmdline, text, length);
}

static void read_memory_map(u64 address, u64 end)
{
    while (address < end && boot_info.ranges < BOOT_RANGES) {
        const struct map_entry *entry = direct_map(address);

        if (entry->type == USABLE)
            boot_info.range[boot_info.ranges++] =
                (struct memory_range){ entry->base, entry->base + entry->length };
        address += entry->size + sizeof(entry->size);
    }
}

static void read_modules(const struct module_entry *entry, size_t count)
{
    for (; count-- && boot_info.modules < BOOT_MODULES; entry++)
        if (entry->start < entry->end)
            boot_info.module[boot_info.modules++] =
                (struct memory_range){ entry->start, entry->end };
}

void boot_info_read(u32 multiboot)
{
    const struct multiboot *info = direct_map(multiboot);

    if (info->flags & HAS_CMDLINE) {
        const char *text = direct_map(info->cmdline);
        bool path = info->flags & HAS_LOADER_NAME && !strcmp(direct_map(info->loader_name), "qemu");
        read_cmdline(path ? skip_path(text) : text);
    }
    if (info->flags & HAS_MODULES)
        read_modules(direct_map(info->modules_address), info->modules);
    if (info->flags & HAS_MEMORY_MAP)
        read_memory_map(info->map_address, info->map_address + info->map_length);
}
