; What `make bench` counts: instructions that lead into the kernel, each between two readings of the
; time stamp counter. bench.h says what for.

%include "common.inc"
%include "offsets.inc"

MANY            equ 1000
LONGER          equ 50
UD2_LENGTH      equ 2
WORDS           equ PAGE_SIZE / 8
TRAP_FLAG       equ 1                   ; in the second byte of rflags
RFLAGS          equ 16                  ; in the CPU's frame

section .text

; counted NAME[, INSTRUCTIONS] -- u32 NAME(u64 rdi, u64 rsi)
%macro counted 1-2+
global %1
%1:
        rdtsc
        mov     r8d, eax
        %2
        rdtsc
        sub     eax, r8d
        ret
%endmacro

; ---- the counter itself -------------------------------------------------------------------------

counted count_nothing
counted count_one, nop
counted count_many, times MANY nop

global count_loop
count_loop:
        rdtsc
        mov     r8d, eax
        mov     rcx, rdi
.again: dec     rcx
        jnz     .again
        rdtsc
        sub     eax, r8d
        ret

; ---- the paths ----------------------------------------------------------------------------------

counted count_ud2, ud2
counted count_write, mov byte [rdi], 1
counted count_command, mov [rdi], esi

global count_step
count_step:
        rdtsc
        mov     r8d, eax
        pushfq
        or      byte [rsp + 1], TRAP_FLAG
        popfq
        nop                             ; #DB behind it
        rdtsc
        sub     eax, r8d
        ret

global count_clear
count_clear:
        mov     ecx, WORDS
        rdtsc
        mov     r8d, eax
        rep     stosq                   ; rax is anything: it counts the same
        rdtsc
        sub     eax, r8d
        ret

global known_skip_ud2, known_skip_ud2_long
known_skip_ud2_long:
        times LONGER nop
known_skip_ud2:
        add     qword [rsp], UD2_LENGTH
        iretq

global known_elsewhere
known_elsewhere:
        add     rsp, 8                  ; the error code
        mov     rdi, rsi
        iretq

global known_no_step
known_no_step:
        and     byte [rsp + RFLAGS + 1], ~TRAP_FLAG
        iretq

global known_end
known_end:
        mov     dword [rdi - APIC_COMMAND_LOW + APIC_END_OF_INTERRUPT], 0
        iretq
