// Why a program's instruction raised an exception: what the CPU says of it, and the instruction itself. SDM
// vol. 3, sections 5.9 "Privileged Instructions", 6.13 "Error Code"; vol. 2, appendix A "Opcode Map".

#include <arch/layout.h>
#include <arch/segments.h>
#include <arch/user.h>
#include <arch/user_cause.h>
#include <arch/vectors.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <mm/fault.h>

enum { LONGEST = 15 }; // bytes of an instruction

#define NOT_FOR_USER " is not for ring 3"
#define NO_PORTS     ": IOPL is 0, and the TSS has no map of ports"
#define ANY_REG      8 // in place of bits 5:3 of the byte behind the opcode

// Instructions that fault in ring 3, whatever their operands are. The row of an opcode with a
// second byte stands first.
static const struct instruction {
    u8 escape; // 0x0f or 0
    u8 first, last, reg;
    const char *what;
} instructions[] = {
    { 0x00, 0xf4, 0xf4, ANY_REG, "HLT" NOT_FOR_USER },
    { 0x00, 0xfa, 0xfa, ANY_REG, "CLI with IOPL 0" },
    { 0x00, 0xfb, 0xfb, ANY_REG, "STI with IOPL 0" },
    { 0x00, 0x6c, 0x6d, ANY_REG, "INS" NO_PORTS },
    { 0x00, 0x6e, 0x6f, ANY_REG, "OUTS" NO_PORTS },
    { 0x00, 0xe4, 0xe5, ANY_REG, "IN" NO_PORTS },
    { 0x00, 0xe6, 0xe7, ANY_REG, "OUT" NO_PORTS },
    { 0x00, 0xec, 0xed, ANY_REG, "IN" NO_PORTS },
    { 0x00, 0xee, 0xef, ANY_REG, "OUT" NO_PORTS },
    { 0x0f, 0x00, 0x00, 0, "SLDT" NOT_FOR_USER " (UMIP)" },
    { 0x0f, 0x00, 0x00, 1, "STR" NOT_FOR_USER " (UMIP)" },
    { 0x0f, 0x00, 0x00, 2, "LLDT" NOT_FOR_USER },
    { 0x0f, 0x00, 0x00, 3, "LTR" NOT_FOR_USER },
    { 0x0f, 0x01, 0x01, 0, "SGDT" NOT_FOR_USER " (UMIP)" },
    { 0x0f, 0x01, 0x01, 1, "SIDT" NOT_FOR_USER " (UMIP)" },
    { 0x0f, 0x01, 0x01, 2, "LGDT or XSETBV" NOT_FOR_USER },
    { 0x0f, 0x01, 0x01, 3, "LIDT" NOT_FOR_USER },
    { 0x0f, 0x01, 0x01, 4, "SMSW" NOT_FOR_USER " (UMIP)" },
    { 0x0f, 0x01, 0x01, 6, "LMSW" NOT_FOR_USER },
    { 0x0f, 0x01, 0x01, 7, "INVLPG or SWAPGS" NOT_FOR_USER },
    { 0x0f, 0x06, 0x06, ANY_REG, "CLTS" NOT_FOR_USER },
    { 0x0f, 0x07, 0x07, ANY_REG, "SYSRET" NOT_FOR_USER },
    { 0x0f, 0x08, 0x08, ANY_REG, "INVD" NOT_FOR_USER },
    { 0x0f, 0x09, 0x09, ANY_REG, "WBINVD" NOT_FOR_USER },
    { 0x0f, 0x20, 0x20, ANY_REG, "reading a control register" NOT_FOR_USER },
    { 0x0f, 0x21, 0x21, ANY_REG, "reading a debug register" NOT_FOR_USER },
    { 0x0f, 0x22, 0x22, ANY_REG, "writing a control register" NOT_FOR_USER },
    { 0x0f, 0x23, 0x23, ANY_REG, "writing a debug register" NOT_FOR_USER },
    { 0x0f, 0x30, 0x30, ANY_REG, "WRMSR" NOT_FOR_USER },
    { 0x0f, 0x32, 0x32, ANY_REG, "RDMSR" NOT_FOR_USER },
    { 0x0f, 0x35, 0x35, ANY_REG, "SYSEXIT" NOT_FOR_USER },
};

enum { OPCODE_INT = 0xcd, OPCODE_IRET = 0xcf, OPCODE_ESCAPE = 0x0f };

static bool is_prefix(u8 byte, bool long_mode)
{
    if (long_mode && (byte & 0xf0) == 0x40)
        return true; // REX
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65: // segments
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
        return true;
    default:
        return false;
    }
}

// The instruction behind its prefixes; zeroes where nothing can be read.
static const u8 *instruction_read(const struct pt_regs *regs, u8 bytes[LONGEST + 2])
{
    unsigned at = 0;

    for (unsigned i = 0; i < LONGEST + 2; i++)
        bytes[i] = 0;
    copy_from_user(bytes, regs->rip, LONGEST);
    while (at < LONGEST - 1 && is_prefix(bytes[at], regs->cs == USER_CS))
        at++;
    return &bytes[at];
}

static const char *privileged(const u8 *code)
{
    u8 escape = code[0] == OPCODE_ESCAPE ? OPCODE_ESCAPE : 0;
    const u8 *opcode = escape ? code + 1 : code;

    for (size_t i = 0; i < array_length(instructions); i++) {
        const struct instruction *row = &instructions[i];

        if (row->escape == escape && *opcode >= row->first && *opcode <= row->last &&
            (row->reg == ANY_REG || row->reg == (opcode[1] >> 3 & 7)))
            return row->what;
    }
    return NULL;
}

static void print_protection(const struct task_end *end)
{
    u8 bytes[LONGEST + 2];
    const u8 *code = instruction_read(&end->regs, bytes);
    const char *what = privileged(code);

    if (end->regs.rip >= USER_END)
        print(", there is no program at such an address");
    else if (code[0] == OPCODE_INT)
        print(", the gate of INT 0x%x is not for ring 3", code[1]);
    else if (end->error_code)
        print(", selector 0x%lx", end->error_code);
    else if (what)
        print(", %s", what);
    else if (code[0] == OPCODE_IRET)
        print(", IRET to what ring 3 may not have");
    else
        print(", an address that is none, or misaligned, or a value that a register cannot take");
}

static const char *forbidden(const struct task_end *end)
{
    if (end->error == -ENOMEM)
        return "no memory is left";
    if (end->error != -EFAULT)
        return "what should be there cannot be had";
    if (end->address >= USER_END)
        return "which is the kernel's";
    return end->error_code & PF_PRESENT ? "which forbids it" : "where it has nothing";
}

static void print_page(const struct task_end *end)
{
    const char *access = end->error_code & PF_FETCH   ? "fetch from"
                         : end->error_code & PF_WRITE ? "write to"
                                                      : "read of";

    print(", %s 0x%lx, %s", access, end->address, forbidden(end));
}

void user_cause_print(const struct task_end *end)
{
    switch (end->vector) {
    case VECTOR_PF:
        print_page(end);
        break;
    case VECTOR_GP:
        print_protection(end);
        break;
    case VECTOR_NP:
    case VECTOR_SS:
        if (end->error_code)
            print(", selector 0x%lx", end->error_code);
        break;
    }
}
