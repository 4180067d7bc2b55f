; The smallest guest of both emulators: long mode, a GDT, a TSS, its command line on COM1, "E9" on the
; debug console, then what -DBODY='"file"' holds, then the end of a machine. One image, two ways in:
; QEMU loads it by its multiboot header, Bochs as a disk with the command line at byte 512.

LINE    equ 0x20000 - 1536              ; the disk's command line lands just below the image
IMAGE   equ 0x20000
SIZE    equ 0x2000
HIGH    equ 0xffffffff80000000          ; the low 2 MiB, once more
TABLES  equ 0x30000
TSS     equ HIGH + 0x6000
IDT     equ HIGH + 0x5000
STACK   equ HIGH + 0x7000
COM1    equ 0x3f8
LSR     equ 0xfd                        ; low byte of the line status register's port
TEMT    equ 0x40

; gate N -- vector N goes to `back`, which resumes at the fault; rdi keeps the gate. Clobbers rax
%macro gate 1
        lea     rax, [back]
        mov     edi, %1 * 16
        add     rdi, IDT
        mov     [rdi], ax
        mov     word [rdi + 2], 0x10
        mov     word [rdi + 4], 0x8e00
        shr     rax, 16
        mov     [rdi + 6], ax
        shr     rax, 16
        mov     [rdi + 8], rax
        lidt    [whole_idt]
%endmacro

section .sector
        bits    16
        jmp     0:.here
.here:
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7c00
        mov     ah, 0x42
        mov     si, packet
        int     0x13
        cli
        lgdt    [flat_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     esi, LINE
        jmp     dword 8:start.both
packet: dw      16, 3 + SIZE / 512, LINE & 15, LINE >> 4
        dq      1
flat:   dq      0, 0x00cf9b000000ffff, 0x00cf93000000ffff
flat_pointer:
        dw      23
        dd      flat
        times   510 - ($ - $$) db 0
        dw      0xaa55
        times   1536 db 0

section .image
        bits    32
header: dd      0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        dd      header, IMAGE, IMAGE + SIZE, IMAGE + SIZE, start
global start
start:
        mov     esi, [ebx + 16]
.both:
        cli
        mov     eax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        lgdt    [low_pointer]
        mov     edi, TABLES
        xor     eax, eax
        mov     ecx, 0x3000 / 4
        rep     stosd
        mov     dword [TABLES], TABLES + 0x1003
        mov     dword [TABLES + 511 * 8], TABLES + 0x1003
        mov     dword [TABLES + 0x1000], TABLES + 0x2003
        mov     dword [TABLES + 0x1000 + 510 * 8], TABLES + 0x2003
        mov     dword [TABLES + 0x2000], 0x83
        mov     eax, TABLES
        mov     cr3, eax
        mov     eax, 0x20
        mov     cr4, eax
        mov     ecx, 0xc0000080
        rdmsr
        or      ax, 0x101
        wrmsr
        mov     eax, 0x80000001
        mov     cr0, eax
        jmp     0x10:long_mode
low_pointer:
        dw      gdt.end - gdt - 1
        dq      gdt - HIGH
        bits    64
long_mode:
        mov     rax, high
        jmp     rax

section .text
        default rel
high:
        mov     ax, 0x18
        mov     ss, ax
        mov     ds, ax
        mov     rsp, STACK
        lgdt    [gdt_pointer]
        mov     ax, 0x40
        ltr     ax
        lidt    [no_idt]
        mov     rax, HIGH
        add     rsi, rax
        mov     ecx, 0xc0000102         ; the GS base that SWAPGS brings
        mov     eax, 0x12345678
        mov     edx, 0xffff8000
        wrmsr
        mov     dx, COM1 + 3
        mov     al, 3
        out     dx, al
.next:
        lodsb
        test    al, al
        jz      .said
        call    send
        jmp     .next
.said:
        mov     al, 'E'
        out     0xe9, al
        mov     al, '9'
        out     0xe9, al
        mov     al, 10
        out     0xe9, al
body:
%include BODY
global machine_end
machine_end:
        mov     al, 0
        out     0xf4, al
        mov     dx, 0x604
        mov     ax, 0x2000
        out     dx, ax
        mov     dx, 0x8900
        lea     rsi, [.word]
        mov     ecx, 8
        rep     outsb
.never:
        hlt
        jmp     .never
.word:  db      "Shutdown"

; send -- AL to COM1, and wait until it has left. Clobbers rdx.
send:
        mov     edx, COM1
        out     dx, al
        mov     dl, LSR
        push    rax
.wait:
        in      al, dx
        test    al, TEMT
        jz      .wait
        pop     rax
        ret

back:   iretq

        align   8
gdt:    dq      0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0, 0, 0
        dq      0x67 | (TSS & 0xffffff) << 16 | 0x89 << 40 | (TSS >> 24 & 0xff) << 56, TSS >> 32, 0, 0, 0, 0, 0, 0
.end:
gdt_pointer:
        dw      gdt.end - gdt - 1
        dq      gdt
no_idt: dw      0
        dq      0
whole_idt:
        dw      0xfff
        dq      IDT
