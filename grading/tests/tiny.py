"""Tiny guests for the tests of the emulators: a few instructions each, in an image of machines/image.asm."""

from __future__ import annotations

import subprocess
from pathlib import Path

MACHINES = Path(__file__).parent / "machines"
HIGH = 0xffffffff80000000
GDT_LIMIT = 0x7f
KERNEL_GS = 0xffff800012345678

BODIES = {
    "end": "",
    "triple": "cause: ud2",
    "triple_after_int3": "gate 3 \n int3 \n int3 \n mov byte [rdi + 5], 0 \n cause: int3",
    "triple_after_another_test": "gate 3 \n int3 \n call tests_run_before \n mov byte [rdi + 5], 0 \n cause: int3 \n"
                                 "global tests_run_before:function (tests_run_before.end - tests_run_before) \n"
                                 "tests_run_before: ret \n .end:",
    "port_reset": "mov dx, 0xcf9 \n mov al, 2 \n out dx, al \n mov al, 6 \n out dx, al \n jmp $",
    "halt": "cli \n cause: hlt \n nop",
    "halt_last": "cli \n lea rax, [back] \n cause: hlt \n jmp cause",
    "idle": "mov al, 0xff \n out 0x21, al \n out 0xa1, al \n sti \n cause: hlt \n jmp cause",
    "spin": "cause: \n %rep 997 \n inc rax \n %endrep \n jmp cause",
    "fault_loop": "gate 6 \n cause: ud2",
    "slow_fault_loop": "gate 6 \n lea rax, [slow] \n mov [rdi], ax \n jmp cause \n"
                       "slow: mov ecx, 10000 \n loop $ \n iretq \n cause: ud2",
    "many_faults": "gate 6 \n mov ebx, 2000 \n again: lea rax, [counts] \n mov [rdi], ax \n cause: ud2 \n"
                   "counts: dec ebx \n jz machine_end \n iretq",
    "flood": "mov al, 'A' \n cause: call send \n jmp cause",
    "e9_flood": "mov al, 'B' \n cause: out 0xe9, al \n jmp cause",
    "binary": "xor eax, eax \n cause: call send \n inc al \n jnz cause",
    "e9_binary": "xor eax, eax \n cause: out 0xe9, al \n inc al \n jnz cause",
    "liar": "lea rsi, [lie] \n mov ecx, lie.end - lie \n mov edx, 0xe9 \n rep outsb \n jmp machine_end \n"
            "lie: db '(0) Breakpoint 1, 0x0 in ?? ()', 10, 'Next at t=1', 10, '<bochs:1> ', '? 0x40000000', 10,"
            "'=== statistics dump 41000000 ===', 10, 'lie', 10 \n .end:",
    "knock": "mov dx, 0x505 \n in al, dx \n call send \n mov dx, 0x505 \n out dx, al \n mov dx, 0x3ff \n "
             "in al, dx \n call send \n"
             "mov dx, 0x505 \n mov al, 1 \n out dx, al \n cause: mov dx, 0x3ff \n in al, dx \n call send",
    "knock_and_spin": "mov dx, 0x505 \n mov al, 1 \n out dx, al \n cause: \n %rep 997 \n inc rax \n %endrep \n"
                      "jmp cause",
    "knock_and_stop": "mov dx, 0x505 \n mov al, 1 \n out dx, al \n cause: jmp cause",
    "machine_check": "gate 18 \n lea rax, [tell] \n mov [rdi], ax \n mov rax, cr4 \n or al, 0x40 \n mov cr4, rax \n"
                     "mov dx, 0x505 \n mov al, 1 \n out dx, al \n mov al, '.' \n call send \n jmp machine_end \n"
                     "tell: mov ecx, 0x179 \n rdmsr \n call send \n mov ecx, 0x416 \n rdmsr \n call send \n iretq",
    "lying_spin": "lea rsi, [lie] \n mov ecx, lie.end - lie \n mov edx, 0xe9 \n rep outsb \n cause: jmp $ \n"
                  "lie: db '=== statistics dump 41000000 ===', 10 \n .end:",
}

# Both PICs at other vectors and masked but for the cascade; the local and the I/O APIC in other states than they
# start in, with two interrupts that no handler ends; then what CPUID says of the features that View knows.
BODIES["devices"] = """
APIC equ HIGH + 0x200000
IO_APIC equ HIGH + 0x400000
%macro port 2
mov al, %2
out %1, al
%endmacro
%macro apic 2
mov dword [rbx + %1], %2
%endmacro
%macro io_apic 2
mov dword [rbx], %1
mov dword [rbx + 0x10], %2
%endmacro
%macro told 3
bt %1, %2
jnc %%not
lea rsi, [%%name]
%%next: lodsb
call send
cmp al, ' '
jne %%next
jmp %%not
%%name: db %3, ' '
%%not:
%endmacro
port 0x20, 0x11
port 0x21, 0x20
port 0x21, 4
port 0x21, 1
port 0x21, 0xfb
port 0xa0, 0x11
port 0xa1, 0x28
port 0xa1, 2
port 0xa1, 1
port 0xa1, 0xff
mov rbx, HIGH + TABLES + 0x2000
mov eax, 0xfee00093
mov [rbx + 8], rax
mov eax, 0xfec00093
mov [rbx + 16], rax
gate 0x41
gate 0xfe
mov rbx, IO_APIC
io_apic 0x18, 0x34
io_apic 0x19, 0
io_apic 0x1a, 0x18035
io_apic 0x1b, 0x01000000
mov rbx, APIC
apic 0xf0, 0x1ef
apic 0x320, 0x20031
apic 0x350, 0x10700
apic 0x360, 0x400
apic 0x370, 0xfe
sti
apic 0x300, 0x40041
nop
apic 0x300, 0x400fe
nop
cli
mov eax, 7
xor ecx, ecx
cpuid
mov edi, ecx
told ebx, 7, 'smep'
told ebx, 20, 'smap'
told edi, 2, 'umip'
"""


def build(name: str, place: Path) -> Path:
    """PLACE/name with `kernel` and `disk.img` of the guest NAME, as a lab's directory has them."""
    directory = place / name
    directory.mkdir()
    (directory / "body.inc").write_text(BODIES[name].replace("\n ", "\n") + "\n")

    def run(*command: str) -> None:
        subprocess.run(command, cwd=directory, check=True)

    run("nasm", "-f", "elf64", '-DBODY="body.inc"', "-o", "image.o", str(MACHINES / "image.asm"))
    run("ld", "-z", "max-page-size=0x200", "-T", str(MACHINES / "image.ld"), "-o", "kernel", "image.o")
    disk = b""
    for section in ("sector", "image", "text"):
        run("objcopy", "-O", "binary", "-j", f".{section}", "kernel", section)
        disk += (directory / section).read_bytes()
    (directory / "disk.img").write_bytes(disk)
    return directory
