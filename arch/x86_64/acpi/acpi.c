// Finding the firmware's tables: RSDP, then RSDT or XSDT, then the table. ACPI specification 6.5,
// sections 5.2.5 to 5.2.8.

#include <acpi/acpi.h>
#include <arch/cpu.h>
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

enum { XSDT_REVISION = 2, TABLE_MOST = 1 << 20, ADDRESS_BITS_LEAST = 36 };

#define CPUID_EXTENDED  0x80000000u
#define CPUID_ADDRESSES 0x80000008u

bool acpi_sum_right(const void *structure, size_t size)
{
    const u8 *bytes = structure;
    u8 sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return sum == 0;
}

static size_t size_of(const struct acpi_rsdp *rsdp)
{
    return rsdp->revision < XSDT_REVISION ? ACPI_RSDP_FIRST_SIZE : sizeof(*rsdp);
}

const struct acpi_rsdp *acpi_rsdp_in(u64 physical, size_t size)
{
    const char *area = firmware_map(physical, size);

    for (size_t at = 0; at + ACPI_RSDP_FIRST_SIZE <= size; at += RSDP_STEP) {
        const struct acpi_rsdp *rsdp = (const struct acpi_rsdp *)(area + at);

        if (!memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) &&
            acpi_sum_right(rsdp, ACPI_RSDP_FIRST_SIZE) && at + size_of(rsdp) <= size)
            return rsdp;
    }
    return NULL;
}

static const struct acpi_rsdp *rsdp_find(void)
{
    u64 ebda = (u64) * (const u16 *)direct_map(EBDA_SEGMENT) << 4;
    const struct acpi_rsdp *rsdp = ebda ? acpi_rsdp_in(ebda, EBDA_SEARCHED) : NULL;

    return rsdp ? rsdp : acpi_rsdp_in(ROM_START, ROM_END - ROM_START);
}

static bool is_called(const struct acpi_header *table, const char *signature)
{
    return !memcmp(table->signature, signature, sizeof(table->signature));
}

// Beyond the physical addresses that the CPU has, a page-table entry has reserved bits.
static u64 physical_end(void)
{
    if (cpuid(CPUID_EXTENDED, 0).eax < CPUID_ADDRESSES)
        return 1ul << ADDRESS_BITS_LEAST;
    return 1ul << (cpuid(CPUID_ADDRESSES, 0).eax & 0xff);
}

static void refuse(const char *signature, const char *why)
{
    print("# ACPI: %s of the table %.4s is wrong, so it is not used\n", why, signature);
}

// First its header, for it says how long the rest is; and nothing is believed before it is looked at.
const struct acpi_header *acpi_table_at(u64 physical, const char *signature)
{
    const struct acpi_header *table;
    u32 length;

    if (physical >= physical_end() - TABLE_MOST) {
        refuse(signature, "the address");
        return NULL;
    }
    table = firmware_map(physical, sizeof(*table));
    if (!is_called(table, signature))
        return NULL;
    length = table->length;
    if (length < sizeof(*table) || length > TABLE_MOST) {
        refuse(signature, "the length");
        return NULL;
    }
    table = firmware_map(physical, length);
    if (!acpi_sum_right(table, length)) {
        refuse(signature, "the checksum");
        return NULL;
    }
    return table;
}

const struct acpi_header *acpi_root(const struct acpi_rsdp *rsdp, size_t *entry_size)
{
    const struct acpi_header *root = NULL;

    *entry_size = sizeof(u64);
    if (rsdp->revision >= XSDT_REVISION && acpi_sum_right(rsdp, sizeof(*rsdp)) && rsdp->xsdt)
        root = acpi_table_at(rsdp->xsdt, "XSDT");
    if (root)
        return root;
    *entry_size = sizeof(u32);
    return acpi_table_at(rsdp->rsdt, "RSDT");
}

const struct acpi_header *acpi_table(const char *signature)
{
    const struct acpi_rsdp *rsdp = rsdp_find();
    const struct acpi_header *root;
    size_t size;

    if (!rsdp)
        return NULL;
    root = acpi_root(rsdp, &size);
    if (!root)
        return NULL;
    for (size_t at = sizeof(*root); at + size <= root->length; at += size) {
        const struct acpi_header *table;
        u64 physical = 0;

        memcpy(&physical, (const char *)root + at, size); // an entry is aligned to 4 bytes only
        table = acpi_table_at(physical, signature);
        if (table)
            return table;
    }
    return NULL;
}
