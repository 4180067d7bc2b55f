// The doors that the sweep goes through.

#include <arch/compat.h>
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/layout.h>
#include <arch/percpu.h>
#include <arch/segments.h>
#include <kernel/compat_page.h>
#include <kernel/demand.h>
#include <kernel/flat.h>
#include <kernel/regions.h>
#include <kernel/sweep/sweep.h>
#include <kernel/task.h>

#define NOT_CANONICAL 0x8000000000000000ul
#define USER_PAGE     FLAT_DATA
#define STACK_32      (FLAT_DATA + FLAT_DATA_SIZE - 64)

enum {
    STACK_WORDS = 1024, // of the programs of ring 0,
    GETPID = 39,        // its number for 64-bit code,
    GETPID32 = 20,      // and the other one
    ABOVE = 64,         // of them above what they use
};

extern const char user_nops[], user_ud[], user_gp[], user_pf[], user_bp[];
extern const char user_syscall[], user_int80[], user_call32[];
extern const char kernel_nops[], kernel_ud[], kernel_gp[], kernel_pf[], kernel_bp[];
extern const char kernel_fixup[], kernel_first[];

// Of the programs of ring 0.
static u64 stack[STACK_WORDS] aligned_to(16);
u64 *const sweep_stack_used = stack + STACK_WORDS - ABOVE;
u64 *const sweep_stack_end = stack + STACK_WORDS;

const struct sweep_door *sweep_current;

// Where the program is in ring 3 whose bytes are at `start` here.
static u64 program_address(const char *start)
{
    return FLAT_CODE + (u64)start - (u64)sweep_programs;
}

// ---- before a round ----------------------------------------------------------------------------------

static void no_user_page(struct pt_regs *regs)
{
    regs->rdi = USER_PAGE;
    demand_drop(sweep_task->space, USER_PAGE);
}

static void no_kernel_page(struct pt_regs *regs)
{
    regs->rdi = SWEEP_PAGE;
    demand_drop(&kernel_space, SWEEP_PAGE);
}

static void not_canonical(struct pt_regs *regs)
{
    regs->rdx = NOT_CANONICAL;
}

// It comes as soon as IF is set, with the program's first instruction still to come.
static void send_interrupt(struct pt_regs *regs)
{
    (void)regs;
    interrupt_self(VECTOR_SWEEP);
}

// A program that has never run, and the registers that lead to it in rdi.
static void first_frame(struct pt_regs *regs)
{
    struct pt_regs *first = task_regs(sweep_task);

    *first = *regs;
    first->rip = program_address(user_nops);
    first->cs = USER_CS;
    first->ss = USER_DS;
    first->rsp = FLAT_STACK - 64;
    first->rflags |= RFLAGS_IF;
    regs->rdi = (u64)first;
}

static void syscall64(struct pt_regs *regs)
{
    regs->rax = GETPID;
}

// What may be left to do before a program goes on is done on the way by IRETQ only.
static void syscall64_iretq(struct pt_regs *regs)
{
    regs->rax = GETPID;
    this_cpu()->exit_work = 1;
}

static void syscall32(struct pt_regs *regs)
{
    regs->rax = GETPID32;
    regs->rsp = STACK_32;
}

static void sysenter(struct pt_regs *regs)
{
    syscall32(regs);
    regs->rdi = compat_page_address(compat_page_sysenter);
}

static void syscall_amd(struct pt_regs *regs)
{
    syscall32(regs);
    regs->rdi = compat_page_address(compat_page_syscall);
}

static bool has_sysenter(void)
{
    return compat_door() == COMPAT_SYSENTER;
}

static bool has_syscall_amd(void)
{
    return compat_door() == COMPAT_SYSCALL;
}

// ---- the doors -----------------------------------------------------------------------------------------

#define ARITHMETIC (RFLAGS_CF | 1ul << 2 | 1ul << 4 | 1ul << 6 | 1ul << 7 | 1ul << 11)
#define IN_USER    USER_CS, .rflags = ARITHMETIC | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IF
#define IN_KERNEL  KERNEL_CS, .rflags = ARITHMETIC | RFLAGS_DF | RFLAGS_NT

#define IN_USER32 USER32_CS, .rflags = ARITHMETIC | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IF

const struct sweep_door sweep_doors[] = {
    { "#UD, ring 3", IN_USER, .start = user_ud, .skip = 2 },
    { "#UD, ring 0", IN_KERNEL, .start = kernel_ud, .skip = 2 },
    { "#GP, ring 3", IN_USER, .start = user_gp, .skip = 1 },
    { "#GP, ring 0", IN_KERNEL, .start = kernel_gp, .skip = 3, .prepare = not_canonical },
    { "#GP, ring 0, in the exception table", IN_KERNEL, .foreseen = true, .start = kernel_fixup,
      .prepare = not_canonical },
    { "#PF, ring 3", IN_USER, .start = user_pf, .prepare = no_user_page },
    { "#PF, ring 0", IN_KERNEL, .start = kernel_pf, .prepare = no_kernel_page },
    { "#BP, ring 3", IN_USER, .start = user_bp },
    { "#BP, ring 0", IN_KERNEL, .start = kernel_bp },
    { "IRETQ that faults", IN_USER, .start = user_ud, .skip = 2, .refused = true },
    { "#DB, ring 3", IN_USER | RFLAGS_TF, .start = user_nops },
    { "#DB, ring 0", IN_KERNEL | RFLAGS_TF, .start = kernel_nops },
    { "NMI, ring 3", IN_USER, .start = user_nops, .strike = "nmi" },
    { "NMI, ring 0", IN_KERNEL, .start = kernel_nops, .strike = "nmi" },
    { "#MC, ring 3", IN_USER, .start = user_nops, .strike = "mce" },
    { "#MC, ring 0", IN_KERNEL, .start = kernel_nops, .strike = "mce" },
    { "interrupt, ring 3", IN_USER, .start = user_nops, .prepare = send_interrupt },
    { "interrupt, ring 0", IN_KERNEL | RFLAGS_IF, .start = kernel_nops, .prepare = send_interrupt },
    { "first entry", KERNEL_CS, .rflags = ARITHMETIC, .start = kernel_first,
      .prepare = first_frame },
    { "SYSCALL, back by SYSRET", IN_USER, .start = user_syscall, .prepare = syscall64 },
    { "SYSCALL, back by IRETQ", IN_USER, .start = user_syscall, .prepare = syscall64_iretq },
    { "int 0x80, 64-bit code", IN_USER, .start = user_int80, .prepare = syscall64 },
    { "int 0x80, 32-bit code", IN_USER32, .start = user_int80, .prepare = syscall32 },
    { "SYSENTER", IN_USER32, .start = user_call32, .prepare = sysenter, .exists = has_sysenter },
    { "SYSCALL, 32-bit code", IN_USER32, .start = user_call32, .prepare = syscall_amd,
      .exists = has_syscall_amd },
};
const size_t sweep_doors_count = array_length(sweep_doors);

bool sweep_door_exists(const struct sweep_door *door)
{
    return !door->exists || door->exists();
}

void sweep_begin_with(const struct sweep_door *door, struct pt_regs *regs)
{
    sweep_current = door;
    this_cpu()->exit_work = 0;
    regs->cs = door->cs;
    regs->rflags = RFLAGS_FIXED | door->rflags;
    if (door->cs & RPL_MASK) {
        regs->rip = program_address(door->start);
        regs->rsp = FLAT_STACK - 64;
        regs->ss = USER_DS;
    } else {
        regs->rip = (u64)door->start;
        regs->rsp = (u64)sweep_stack_used;
        regs->ss = KERNEL_DS;
    }
    if (door->prepare)
        door->prepare(regs);
}
