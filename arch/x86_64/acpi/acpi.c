// Finding the firmware's tables: RSDP, then RSDT or XSDT, then the table. ACPI specification 6.5,
// sections 5.2.5 to 5.2.8.

#include <acpi/acpi.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <kernel/print.h>
#include <kernel/string.h>

// Where the RSDP may lie, on a boundary of 16 bytes; section 5.2.5.1.
enum {
    EBDA_SEGMENT = 0x40e, // the BIOS keeps there where its extended data area is
    EBDA_SEARCHED = 1024,
    ROM_START = 0xe0000,
    ROM_END = 0x100000,
    RSDP_STEP = 16,
};

struct rsdp {
    char signature[8];
    u8 checksum; // of what stands before length
    char oem[6];
    u8 revision; // 0: the structure ends with rsdt
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum, reserved[3];
} packed;
static_assert(sizeof(struct rsdp) == 36, "ACPI 6.5, table 5.3");

enum { RSDP_FIRST_SIZE = offsetof(struct rsdp, length), XSDT_REVISION = 2 };

bool acpi_sum_right(const void *structure, size_t size)
{
    const u8 *bytes = structure;
    u8 sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return sum == 0;
}

static const struct rsdp *search(u64 physical, size_t size)
{
    const char *area = firmware_map(physical, size);

    for (size_t at = 0; at + sizeof(struct rsdp) <= size; at += RSDP_STEP) {
        const struct rsdp *rsdp = (const struct rsdp *)(area + at);

        if (!memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) &&
            acpi_sum_right(rsdp, RSDP_FIRST_SIZE))
            return rsdp;
    }
    return NULL;
}

static const struct rsdp *rsdp_find(void)
{
    u64 ebda = (u64) * (const u16 *)direct_map(EBDA_SEGMENT) << 4;
    const struct rsdp *rsdp = ebda ? search(ebda, EBDA_SEARCHED) : NULL;

    return rsdp ? rsdp : search(ROM_START, ROM_END - ROM_START);
}

static bool is_called(const struct acpi_header *table, const char *signature)
{
    return !memcmp(table->signature, signature, sizeof(table->signature));
}

// The table at `physical` if that is its name: first its header, for it says how long the rest is.
static const struct acpi_header *table_at(u64 physical, const char *signature)
{
    const struct acpi_header *table = firmware_map(physical, sizeof(*table));

    if (!is_called(table, signature))
        return NULL;
    table = firmware_map(physical, table->length);
    if (table->length >= sizeof(*table) && acpi_sum_right(table, table->length))
        return table;
    print("# ACPI: the checksum of the table %.4s is wrong, so it is not used\n", signature);
    return NULL;
}

// The list of all tables: with addresses of 8 bytes if the firmware has that one, else of 4.
static const struct acpi_header *root_table(size_t *entry_size)
{
    const struct rsdp *rsdp = rsdp_find();

    if (!rsdp)
        return NULL;
    if (rsdp->revision >= XSDT_REVISION && acpi_sum_right(rsdp, sizeof(*rsdp)) && rsdp->xsdt) {
        *entry_size = sizeof(u64);
        return table_at(rsdp->xsdt, "XSDT");
    }
    *entry_size = sizeof(u32);
    return table_at(rsdp->rsdt, "RSDT");
}

const struct acpi_header *acpi_table(const char *signature)
{
    size_t size;
    const struct acpi_header *root = root_table(&size);

    if (!root)
        return NULL;
    for (size_t at = sizeof(*root); at + size <= root->length; at += size) {
        const struct acpi_header *table;
        u64 physical = 0;

        memcpy(&physical, (const char *)root + at, size); // an entry is aligned to 4 bytes only
        table = table_at(physical, signature);
        if (table)
            return table;
    }
    return NULL;
}
