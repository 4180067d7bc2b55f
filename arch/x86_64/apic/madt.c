// Reading the MADT. ACPI specification 6.5, section 5.2.12.

#include <acpi/acpi.h>
#include <apic/madt.h>
#include <arch/interrupts.h>
#include <kernel/panic.h>

enum { IO_APIC = 1, OVERRIDE = 2 }; // types of entries; the others are of no use here
enum { ISA_BUS = 0 };

struct madt {
    struct acpi_header header;
    u32 local_apic, flags; // MSR_APIC_BASE knows better where the local APIC is
    u8 entries[];
} packed;

struct entry {
    u8 type, size; // of the whole entry
} packed;

struct io_apic_entry {
    struct entry entry;
    u8 id, reserved;
    u32 physical, first;
} packed;

struct override_entry {
    struct entry entry;
    u8 bus, line;
    u32 input;
    u16 flags;
} packed;

static struct io_apic io_apic;
static struct isa_override overrides[ISA_LINES];
static unsigned override_count;

static void read_io_apic(const struct io_apic_entry *entry)
{
    if (entry->first == 0)
        io_apic = (struct io_apic){ .physical = entry->physical, .first = entry->first };
}

static void read_override(const struct override_entry *entry)
{
    if (entry->bus == ISA_BUS && entry->line < ISA_LINES && override_count < ISA_LINES)
        overrides[override_count++] = (struct isa_override){
            .line = entry->line,
            .flags = entry->flags,
            .input = entry->input,
        };
}

static void read_entry(const struct entry *entry)
{
    if (entry->type == IO_APIC && entry->size >= sizeof(struct io_apic_entry))
        read_io_apic((const struct io_apic_entry *)entry);
    if (entry->type == OVERRIDE && entry->size >= sizeof(struct override_entry))
        read_override((const struct override_entry *)entry);
}

void madt_read(void)
{
    const struct madt *madt = (const struct madt *)acpi_table("APIC");
    const char *at, *end;

    if (!madt)
        panic("the firmware has no ACPI table of interrupt controllers (MADT)");
    at = (const char *)madt->entries;
    end = (const char *)madt + madt->header.length;
    while (at + sizeof(struct entry) <= end) {
        const struct entry *entry = (const struct entry *)at;

        if (entry->size < sizeof(*entry) || at + entry->size > end)
            panic("the MADT has an entry of %u bytes with %zu bytes left", entry->size,
                  (size_t)(end - at));
        read_entry(entry);
        at += entry->size;
    }
    if (!io_apic.physical)
        panic("the MADT names no I/O APIC for the ISA bus");
}

struct io_apic madt_io_apic(void)
{
    return io_apic;
}

// Line 2 of a PC, for instance: the second PIC is there, and line 0 has come to input 2.
bool interrupt_line_exists(unsigned line)
{
    for (unsigned i = 0; i < override_count; i++)
        if (overrides[i].input == line && overrides[i].line != line)
            return madt_override(line);
    return true;
}

const struct isa_override *madt_override(unsigned line)
{
    for (unsigned i = 0; i < override_count; i++)
        if (overrides[i].line == line)
            return &overrides[i];
    return NULL;
}
