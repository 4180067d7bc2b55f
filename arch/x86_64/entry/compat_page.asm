; The program's side of the doors, in a page that all 32-bit programs share: Linux's __kernel_vsyscall.
; docs/entry.md, "SYSENTER".

%include "common.inc"

global compat_page, compat_page_int80, compat_page_sysenter, compat_page_syscall, compat_page_landing

section .rodata align=4096

; A program calls one of the three as it would execute int 0x80: number in eax, arguments in ebx, ecx, edx, esi,
; edi and ebp; eax is the result, and no other register changes.
compat_page:

bits 32
compat_page_int80:
        int     0x80
        ret

; SYSENTER tells the kernel neither rip nor esp: ebp brings esp, at which the true ebp lies.
compat_page_sysenter:
        push    ecx
        push    edx
        push    ebp
        mov     ebp, esp
        sysenter

; SYSCALL puts rip into ecx: ebp brings what was there.
compat_page_syscall:
        push    ecx
        push    edx
        push    ebp
        mov     ebp, ecx
        syscall

; The kernel returns to here from both.
compat_page_landing:
        pop     ebp
        pop     edx
        pop     ecx
        ret
bits 64

        times 4096 - ($ - compat_page) db 0xcc
