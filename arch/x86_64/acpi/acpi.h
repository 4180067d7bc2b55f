// The tables in which the firmware describes the machine. ACPI specification 6.5, chapter 5.2.
#pragma once

#include <arch/types.h>

// What every table begins with; section 5.2.6 "System Description Table Header".
struct acpi_header {
    char signature[4];
    u32 length; // of the whole table
    u8 revision;
    u8 checksum; // makes the sum of all bytes 0
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
} packed;
static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.5, table 5.4");

// The table with this signature of four letters, mapped read-only, its checksum right; NULL if the
// firmware has none. One that cannot be right is reported and not used. Maps what it looks at, each
// time anew: keep what you find.
const struct acpi_header *acpi_table(const char *signature);

// Whether the bytes add up to 0, as those of every structure of ACPI do.
bool acpi_sum_right(const void *structure, size_t size);

// ---- how acpi_table finds it ----------------------------------------------------------------------

// Where the list of all tables is; section 5.2.5.3 "Root System Description Pointer Structure".
struct acpi_rsdp {
    char signature[8];
    u8 checksum; // of what stands before length
    char oem[6];
    u8 revision; // 0: the structure ends with rsdt
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum, reserved[3];
} packed;
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.5, table 5.3");

#define ACPI_RSDP_FIRST_SIZE offsetof(struct acpi_rsdp, length)

// The first one in that part of physical memory, whole and its checksum right; or NULL.
const struct acpi_rsdp *acpi_rsdp_in(u64 physical, size_t size);

// The list of all tables, its entries addresses of 8 bytes if the firmware has that one and it is
// right, else of 4. NULL if neither is.
const struct acpi_header *acpi_root(const struct acpi_rsdp *rsdp, size_t *entry_size);

// The table at `physical`, or NULL: another one is there, or one that cannot be right.
const struct acpi_header *acpi_table_at(u64 physical, const char *signature);
