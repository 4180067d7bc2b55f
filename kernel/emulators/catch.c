// Events as they arrive, and their names.

#include <arch/percpu.h>
#include <cpu/gdt.h>
#include <kernel/emulators/catch.h>
#include <kernel/emulators/row.h>
#include <kernel/print.h>
#include <kernel/string.h>

#define DR7_OFF 0x400ul // bit 10 is always set

struct event event[EVENTS_KEPT];
unsigned events;
struct gate catch_gates[VECTORS_COUNT];

static each_event *each_of_run;

u64 catch_run(u64 (*code)(u64, u64), u64 a, u64 b);
enum after catch_reached(struct pt_regs *regs, u64 code, unsigned vector);

enum after give_up(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    (void)vector;
    return GIVE_UP;
}

enum after resume(struct pt_regs *regs, unsigned vector)
{
    (void)regs;
    (void)vector;
    return RESUME;
}

// catch.asm comes here.
enum after catch_reached(struct pt_regs *regs, u64 code, unsigned vector)
{
    if (events < EVENTS_KEPT) {
        struct event *now = &event[events];

        now->regs = *regs;
        now->vector = vector;
        now->code = code;
        now->frame = (u64)(regs + 1);
        asm volatile("pushfq\n\tpop %0" : "=r"(now->flags));
        asm volatile("mov %0, ss" : "=r"(now->ss));
        asm volatile("mov %0, dr6" : "=r"(now->dr6));
    }
    events++;
    return each_of_run(regs, vector);
}

u64 run(u64 (*code)(u64, u64), each_event *each, u64 a, u64 b)
{
    struct table_register kernels, mine = { sizeof(catch_gates) - 1, (u64)catch_gates };
    u64 result;

    asm volatile("cli");
    each_of_run = each;
    events = 0;
    memset(event, 0, sizeof(event));
    asm volatile("sidt %0" : "=m"(kernels));
    asm volatile("lidt %0" ::"m"(mine));
    asm volatile("mov dr6, %0" ::"r"(0ul));
    result = catch_run(code, a, b);
    asm volatile("mov dr7, %0" ::"r"(DR7_OFF));
    asm volatile("lidt %0" ::"m"(kernels));
    return result;
}

void catch_prepare(void)
{
    for (unsigned v = 0; v < VECTORS_COUNT; v++)
        catch_gates[v] = gate_make(catch_entries[v], 0, GATE_INTERRUPT, RING_KERNEL);
    this_cpu()->tss.ist[ROW_IST - 1] = (u64)row_stack_top;
}

void observed(const char *format, ...)
{
    va_list arguments;

    print("# observed: ");
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
}

bool struck(unsigned which, const void *address)
{
    return which < events && event[which].regs.rip == (u64)address;
}

const char *if_struck(unsigned which, const void *address, const char *words)
{
    return struck(which, address) ? words : "";
}

static char *append(char *at, const char *text)
{
    while (*text && *text != ' ')
        *at++ = *text++;
    return at;
}

static char *append_number(char *at, u64 number)
{
    unsigned digits = 1;

    while (digits < 16 && number >> 4 * digits)
        digits++;
    at = append(at, "0x");
    while (digits--)
        *at++ = "0123456789abcdef"[number >> 4 * digits & 15];
    return at;
}

const char *name_of(unsigned which)
{
    static char buffer[2][48];
    static unsigned turn;
    char *text = buffer[turn++ % 2], *at = text;
    const struct event *e = &event[which];

    if (which >= events)
        return "none";
    if (e->vector < 32) {
        at = append(at, vectors[e->vector].name);
    } else {
        at = append(at, "vector");
        *at++ = ' ';
        at = append_number(at, e->vector);
    }
    if (e->code != NO_ERROR_CODE) {
        *at++ = '(';
        at = append_number(at, e->code);
        *at++ = ')';
    }
    *at = '\0';
    return text;
}
