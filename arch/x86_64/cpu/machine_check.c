// Machine checks. SDM vol. 3, sections 16.3 (the registers), 16.8 (initialisation), 16.10 (handler).

#include <arch/cpu.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/traps.h>

#define MCG_CAP_BANKS 0xfful
#define MCG_CAP_CTL   (1ul << 8) // there is an IA32_MCG_CTL

#define ALL_ERRORS (~0ul)

enum { CPUID_FEATURES = 1, FEATURES_MCE = 1 << 7, FEATURES_MCA = 1 << 14 };
enum bank_register { CTL, STATUS, ADDRESS, MISC };

static u32 bank_register(unsigned bank, enum bank_register which)
{
    return MSR_MC0_CTL + 4 * bank + which;
}

static bool has(u32 feature)
{
    return cpuid(CPUID_FEATURES, 0).edx & feature;
}

static u64 capabilities; // IA32_MCG_CAP, once #MC is on

unsigned machine_check_banks(void)
{
    return capabilities & MCG_CAP_BANKS;
}

bool machine_check_read(unsigned bank, struct machine_check_bank *error)
{
    u64 status = msr_read(bank_register(bank, STATUS));

    // The others may be read only if the status says that they are there.
    *error = (struct machine_check_bank){ .status = status };
    if (status & MC_STATUS_ADDRESS_VALID)
        error->address = msr_read(bank_register(bank, ADDRESS));
    if (status & MC_STATUS_MISC_VALID)
        error->misc = msr_read(bank_register(bank, MISC));
    return status & MC_STATUS_VALID;
}

// Prints every error. Returns the bits of all their statuses.
static u64 report_banks(void)
{
    u64 all = 0;

    for (unsigned bank = 0; bank < machine_check_banks(); bank++) {
        struct machine_check_bank error;

        if (!machine_check_read(bank, &error))
            continue;
        all |= error.status;
        print("# machine check, bank %u: %s, code 0x%04lx, status 0x%016lx", bank,
              error.status & MC_STATUS_UNCORRECTED ? "uncorrected" : "corrected",
              error.status & MC_STATUS_CODE, error.status);
        if (error.status & MC_STATUS_ADDRESS_VALID)
            print(", address 0x%lx", error.address);
        if (error.status & MC_STATUS_MISC_VALID)
            print(", misc 0x%lx", error.misc);
        print("\n");
    }
    return all;
}

static void clear_banks(void)
{
    for (unsigned bank = 0; bank < machine_check_banks(); bank++)
        msr_write(bank_register(bank, STATUS), 0);
}

void machine_check_enable(void)
{
    if (!has(FEATURES_MCE))
        return;
    // CPUID's word for it is not enough: Bochs promises the registers and has none.
    if (has(FEATURES_MCA))
        msr_read_safe(MSR_MCG_CAP, &capabilities);
    if (capabilities & MCG_CAP_CTL)
        msr_write(MSR_MCG_CTL, ALL_ERRORS);
    for (unsigned bank = 0; bank < machine_check_banks(); bank++)
        msr_write(bank_register(bank, CTL), ALL_ERRORS);
    report_banks();
    clear_banks();
    write_cr4(read_cr4() | CR4_MCE);
}

// The banks are cleared only if the machine goes on: whoever looks at it afterwards finds them.
void do_machine_check(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 global = machine_check_banks() ? msr_read(MSR_MCG_STATUS) : 0;
    u64 errors;

    (void)error_code;
    print("\n"); // it may have struck in the middle of a line
    errors = report_banks();
    if (!(global & MCG_STATUS_RIPV) || errors & MC_STATUS_CONTEXT_LOST)
        panic_at(regs, "vector %u, %s: what it interrupted cannot go on, MCG_STATUS 0x%lx", vector,
                 vectors[vector].name, global);
    clear_banks();
    msr_write(MSR_MCG_STATUS, 0); // the next one may come
}
