// Where the kernel begins.

#include <arch/boot.h>
#include <arch/layout.h>
#include <arch/machine.h>
#include <arch/types.h>
#include <kernel/cmdline.h>
#include <kernel/init.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/test.h>

extern const char lab_id[]; // build/.../lab.c: this kernel's lab, "02-idt", or "all"

noreturn void kernel_main(u32 multiboot);

static void greet(void)
{
    print("Gatehouse lab %s, seed %lu, nonce %s\n", lab_id, cmdline.seed, cmdline.nonce);
    if (strncmp(cmdline.lab, lab_id, strlen(cmdline.lab)) != 0)
        panic("command line: lab=%s, but this is the kernel of lab %s", cmdline.lab, lab_id);
    print("# %zu KiB of memory free, %zu in all\n", pages_available() * PAGE_SIZE / 1024,
          pages_total() * PAGE_SIZE / 1024);
}

// boot.asm comes here on the boot stack, with interrupts off and the boot's GDT and page tables.
void kernel_main(u32 multiboot)
{
    const struct init *const *init = inits_start;

    boot_info_read(multiboot);
    for (; init != inits_end && (*init)->step <= INIT_CONSOLE; init++)
        (*init)->run();
    cmdline_parse(boot_info.cmdline);
    memory_initialise();
    greet();
    tests_begin();
    for (; init != inits_end; init++) {
        tests_run_before((*init)->step);
        (*init)->run();
    }
    tests_run_before(INIT_DONE);
    machine_end(tests_end() ? MACHINE_PASSED : MACHINE_FAILED);
}
