; Lab 09: programs (programs.h). The kernel gives them their registers, and looks at them at each INT3.

%include "common.inc"
%include "offsets.inc"
%include "labs/09-compat/programs.inc"

; ---- int 0x80 --------------------------------------------------------------------------------------

        program program_int80
.again: int     0x80
        int3
        jmp     .again
        over    program_int80

        program_32 program_int80_32
.again: int     0x80
        int3
        jmp     .again
        over_32 program_int80_32

        program program_int80_step      ; with the flags in rbx
        push    rbx
        popfq
        int     0x80
        nop
        ud2
        over    program_int80_step

; ---- by the page that the kernel maps: its address lies at DATA ------------------------------------------

        program_32 program_page
.again: call    [DATA]
        int3
        jmp     .again
        over_32 program_page

; ---- SYSENTER ----------------------------------------------------------------------------------------

; as it is: ebp is what the kernel gives, and the program goes on at the landing pad
        program_32 program_sysenter
        sysenter
        ud2
        over_32 program_sysenter

        program program_sysenter_64
        sysenter
        ud2
        over    program_sysenter_64

; with the flags in ebx
        program_32 program_sysenter_flags
.again: call    .go
        int3
        jmp     .again
.go:    push    ecx
        push    edx
        push    ebp
        mov     ebp, esp
        push    ebx
        popfd
        sysenter
        ud2
        over_32 program_sysenter_flags

; ---- SYSCALL -----------------------------------------------------------------------------------------

; as it is
        program_32 program_syscall
        syscall
        ud2
        over_32 program_syscall

; with the flags in ebx
        program_32 program_syscall_flags
.again: call    .go
        int3
        jmp     .again
.go:    push    ecx
        push    edx
        push    ebp
        mov     ebp, ecx
        push    ebx
        popfd
        syscall
        ud2
        over_32 program_syscall_flags

; ---- segments ----------------------------------------------------------------------------------------

; DS, ES, FS and GS, each with something else that it may hold; then int 0x80
        program program_odd_segments
        mov     ebx, USER_DS
        mov     ds, ebx
        mov     ebx, USER32_CS
        mov     es, ebx
        mov     ebx, USER_CS
        mov     fs, ebx
        mov     ebx, 3
        mov     gs, ebx
.again: int     0x80
        int3
        jmp     .again
        over    program_odd_segments
