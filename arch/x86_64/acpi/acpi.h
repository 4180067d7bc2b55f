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
// firmware has none. One whose checksum is wrong is reported and not used.
const struct acpi_header *acpi_table(const char *signature);

// Whether the bytes add up to 0, as those of every structure of ACPI do.
bool acpi_sum_right(const void *structure, size_t size);
