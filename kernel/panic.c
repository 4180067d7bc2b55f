// Panic: report and end.

#include <arch/interrupts.h>
#include <arch/machine.h>
#include <arch/serial.h>
#include <arch/stack.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/symbols.h>

// A report that faults is reported, too, and that report may fault.
enum { MOST_REPORTS = 3 };

static void print_stack(const struct pt_regs *regs)
{
    u64 rsp = regs->rsp;
    const struct stack *stack = stack_in_use(rsp);

    if (regs->cs & RPL_MASK)
        print("  in a program, on a stack of its own\n");
    else if (stack && rsp < (u64)stack->low)
        print("  on the %s and below its end, in its guard page\n", stack->name);
    else if (stack)
        print("  on the %s, %lu of %lu bytes used\n", stack->name, (u64)stack->top - rsp,
              (u64)(stack->top - stack->low));
    else
        print("  on no stack of the kernel's: rsp is wrong\n");
}

static void print_headline(const char *format, va_list arguments)
{
    static unsigned reports;

    interrupts_disable(); // what would come in between may panic, too, and never end
    if (reports++ == MOST_REPORTS)
        machine_end(MACHINE_PANIC);
    print_to(serial_write);
    print("\nPANIC: ");
    vprint(format, arguments);
    print("\n");
}

static noreturn void report(const struct pt_regs *regs, void (*details)(const void *about),
                            const void *about)
{
    static bool panicking;

    if (panicking) {
        print("  while reporting another panic\n");
        machine_end(MACHINE_PANIC);
    }
    panicking = true;

    if (details)
        details(about);
    print("  at ");
    symbol_print(regs->rip);
    print("\n");
    print_stack(regs);
    regs_print(regs);
    print("  backtrace\n");
    backtrace_print(regs);
    machine_end(MACHINE_PANIC);
}

void panic_at(const struct pt_regs *regs, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_headline(format, arguments);
    va_end(arguments);
    report(regs, NULL, NULL);
}

void panic_with(const struct pt_regs *regs, void (*details)(const void *about), const void *about,
                const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_headline(format, arguments);
    va_end(arguments);
    report(regs, details, about);
}
