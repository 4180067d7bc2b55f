// Panic: report and end.

#include <arch/cpu.h>
#include <arch/machine.h>
#include <arch/stack.h>
#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/symbols.h>

static void print_registers(const struct pt_regs *regs)
{
    print("  rip    %p  cs %04lx  ss %04lx  rflags %08lx\n", (void *)regs->rip, regs->cs, regs->ss,
          regs->rflags);
    print("  rax %016lx  rbx %016lx  rcx %016lx\n", regs->rax, regs->rbx, regs->rcx);
    print("  rdx %016lx  rsi %016lx  rdi %016lx\n", regs->rdx, regs->rsi, regs->rdi);
    print("  rbp %016lx  rsp %016lx  r8  %016lx\n", regs->rbp, regs->rsp, regs->r8);
    print("  r9  %016lx  r10 %016lx  r11 %016lx\n", regs->r9, regs->r10, regs->r11);
    print("  r12 %016lx  r13 %016lx  r14 %016lx\n", regs->r12, regs->r13, regs->r14);
    print("  r15 %016lx  orig_rax %ld\n", regs->r15, (long)regs->orig_rax);
    print("  cr0 %016lx  cr2 %016lx  cr3 %016lx\n", read_cr0(), read_cr2(), read_cr3());
    print("  cr4 %016lx\n", read_cr4());
}

static void print_stack(u64 rsp)
{
    const struct stack *stack = stack_at(rsp);

    if (stack)
        print("  on the %s, %lu of %lu bytes used\n", stack->name, (u64)stack->top - rsp,
              (u64)(stack->top - stack->low));
    else
        print("  on no stack of the kernel's: rsp is wrong\n");
}

void panic_at(const struct pt_regs *regs, const char *format, ...)
{
    static bool panicking;
    va_list arguments;

    print("\nPANIC: ");
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
    if (panicking) {
        print("  while reporting another panic\n");
        machine_end(MACHINE_PANIC);
    }
    panicking = true;

    print("  at ");
    symbol_print(regs->rip);
    print("\n");
    print_stack(regs->rsp);
    print_registers(regs);
    print("  backtrace\n");
    backtrace_print(regs);
    machine_end(MACHINE_PANIC);
}
