// The kernel's own tests: what it prints, in particular when it ends. The host reads the text.

#include <kernel/panic.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/symbols.h>
#include <kernel/test.h>

TEST(printing)
{
    print("# [%d] [%5d] [%-5d] [%05d] [%u] [%x]\n", -42, 42, 42, 42, 4000000000u, 0xbeef);
    print("# [%ld] [%lu] [%016lx] [%zu]\n", -(1l << 62), ~0ul, 0xfeedul, sizeof(u64));
    print("# [%s] [%6s] [%-6s] [%.*s] [%c] [%%] [%p]\n", "text", "text", "text", 2, "text", 'c',
          (void *)0x1234);
}

void printing_probe(void);

void printing_probe(void)
{
    print("# probe\n");
}

TEST(symbols)
{
    const struct symbol *symbol = symbol_at((u64)printing_probe);

    report(symbol && !strcmp(symbol->name, "printing_probe"), "name of a function at its start");
    symbol = symbol_at((u64)printing_probe + 1);
    report(symbol && !strcmp(symbol->name, "printing_probe"), "name of a function inside it");
    report_equal(symbol_at(0), NULL, "symbol at 0");
    report_equal(symbol_at((u64) "data"), NULL, "symbol of data");
}

static __attribute__((noinline)) void innermost(void)
{
    panic("the test's own, %d", 42);
}

static __attribute__((noinline)) void middle(void)
{
    innermost();
}

TEST(plain_panic)
{
    middle();
}

// rbx and r15 hold known values when the exception strikes.
TEST(exception_panic)
{
    asm volatile("mov rbx, 0x1122334455667788\n\t"
                 "mov r15, -2\n\t"
                 "ud2" ::
                     : "rbx", "r15");
}
