// Machine checks. SDM vol. 3, sections 16.3 (the registers), 16.6 (recovery), 16.8 (initialisation), 16.10
// (handler).

#include <arch/cpu.h>
#include <arch/debug_registers.h>
#include <arch/interrupts.h>
#include <arch/machine_check.h>
#include <arch/msr.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/traps.h>

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

u64 machine_check_capabilities; // IA32_MCG_CAP, once #MC is on

unsigned machine_check_banks(void)
{
    return machine_check_capabilities & MCG_CAP_BANKS;
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

// Whether the kernel may go on after this error. SDM vol. 3, sections 16.6.2 and 16.6.3.
static bool survivable(u64 status)
{
    u64 action_required =
        MC_STATUS_UNCORRECTED | MC_STATUS_ENABLED | MC_STATUS_SIGNALED | MC_STATUS_ACTION;

    if (status & MC_STATUS_CONTEXT_LOST)
        return false;
    if (!(status & MC_STATUS_UNCORRECTED))
        return true;
    return machine_check_capabilities & MCG_CAP_RECOVERY &&
           (status & action_required) != action_required;
}

// Prints every error. Returns whether the kernel may go on after all of them.
static bool report_banks(void)
{
    bool all = true;

    for (unsigned bank = 0; bank < machine_check_banks(); bank++) {
        struct machine_check_bank error;

        if (!machine_check_read(bank, &error))
            continue;
        all &= survivable(error.status);
        print("# machine check, bank %u: %s, code 0x%04lx, status 0x%016lx", bank,
              error.status & MC_STATUS_UNCORRECTED ? "uncorrected" : "corrected",
              error.status & MC_STATUS_CODE, error.status);
        if (error.status & MC_STATUS_ADDRESS_VALID)
            print(", address 0x%lx", error.address);
        if (error.status & MC_STATUS_MISC_VALID)
            print(", misc 0x%lx", error.misc);
        print(error.status & MC_STATUS_OVERFLOW ? ", others are lost\n" : "\n");
    }
    return all;
}

static void clear_banks(void)
{
    for (unsigned bank = 0; bank < machine_check_banks(); bank++)
        msr_write(bank_register(bank, STATUS), 0);
}

// The first bank whose errors are the kernel's to enable: before model 1AH of family 6, which is also that
// of all later ones, bank 0 is the firmware's. SDM vol. 3, section 16.3.2.1.
static unsigned first_bank(void)
{
    u32 signature = cpuid(CPUID_FEATURES, 0).eax;
    unsigned family = signature >> 8 & 0xf;
    unsigned model = (signature >> 12 & 0xf0) | (signature >> 4 & 0xf);

    return family == 6 && model < 0x1a ? 1 : 0;
}

// From here on they come by #MC, whose gate has its stack; before, one was a shutdown.
static void machine_check_initialise(void)
{
    if (!has(FEATURES_MCE))
        return;
    // CPUID's word for it is not enough: Bochs promises the registers and has none.
    if (has(FEATURES_MCA))
        msr_read_safe(MSR_MCG_CAP, &machine_check_capabilities);
    if (machine_check_capabilities & MCG_CAP_CTL)
        msr_write(MSR_MCG_CTL, ALL_ERRORS);
    for (unsigned bank = first_bank(); bank < machine_check_banks(); bank++)
        msr_write(bank_register(bank, CTL), ALL_ERRORS);
    report_banks(); // from before the start
    clear_banks();
    write_cr4(read_cr4() | CR4_MCE);
}
INIT(INIT_MACHINE_CHECK, machine_check_initialise);

// The banks are cleared only if the machine goes on: whoever looks at it afterwards finds them.
void do_machine_check(struct pt_regs *regs, u64 error_code, unsigned vector)
{
    u64 breakpoints = breakpoints_hold();
    u64 global = machine_check_banks() ? msr_read(MSR_MCG_STATUS) : 0;

    (void)error_code;
    print("\n"); // it may have struck in the middle of a line
    if (!report_banks() || !(global & MCG_STATUS_RIPV))
        panic_at(regs, "vector %u, %s: what it interrupted cannot go on, MCG_STATUS 0x%lx", vector,
                 vectors[vector].name, global);
    clear_banks();
    halt_overtaken(regs);
    breakpoints_release(breakpoints);
    // The next one may come, and its frame lies at the top of the same stack: so this is the last thing done.
    // docs/entry.md, "The same stack, entered twice".
    machine_check_over(regs);
}
