; From the loader to kernel_main: 32-bit protected mode, then long mode at -2 GiB.
; SDM vol. 3, section 10.8.5 "Initializing IA-32e Mode"; Multiboot specification 0.6.96.

%include "common.inc"
%include "offsets.inc"

MULTIBOOT_MAGIC equ 0x1badb002          ; in our header
MULTIBOOT_LOADER equ 0x2badb002         ; in eax, from the loader
CPUID_EXTENDED  equ 0x80000000
CPUID_EXTENDED_FEATURES equ 0x80000001
CPUID_NX        equ 1 << 20             ; in edx
CPUID_LONG_MODE equ 1 << 29
DEBUG_CONSOLE   equ 0xe9
MULTIBOOT_FLAGS equ 1 << 0 | 1 << 1 | 1 << 16 ; modules on pages; tell the memory map; load by these addresses

extern image_start, load_end, bss_start, kernel_end, kernel_main
global boot, boot_stack_guard, boot_stack, boot_stack.top

; ---- what the loader reads --------------------------------------------------------------------

section .multiboot
bits 32
        align   4
multiboot:
        dd      MULTIBOOT_MAGIC
        dd      MULTIBOOT_FLAGS
        dd      -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
        dd      multiboot               ; where this header is to lie
        dd      image_start             ; the file is loaded from here ...
        dd      load_end - KERNEL_BASE  ; ... to here ...
        dd      kernel_end - KERNEL_BASE ; ... and zeroed to here
        dd      boot                    ; the entry

; ---- 32-bit, paging off, at physical addresses --------------------------------------------------

PRESENT         equ 1 << 0
WRITABLE        equ 1 << 1
LARGE           equ 1 << 7
TABLE           equ PRESENT | WRITABLE
ENTRIES         equ 512

section .boot
bits 32

; boot -- the loader jumps here
;
; in    eax  MULTIBOOT_LOADER    ebx  physical address of the multiboot information
;       cs, ds, es, ss flat      IF   0
boot:
        cli
        cld
        mov     esp, boot_stack.top - KERNEL_BASE
        mov     ebp, complaint.loader
        cmp     eax, MULTIBOOT_LOADER
        jne     cannot_boot
        mov     ebp, complaint.cpu
        call    long_mode_and_nx
        jnc     cannot_boot

        mov     al, 0xff                ; the BIOS left the PICs on, at the exceptions' vectors:
        out     0x21, al                ; mask all their lines until lab 06 knows better
        out     0xa1, al

        mov     edi, bss_start - KERNEL_BASE
        mov     ecx, kernel_end - KERNEL_BASE
        sub     ecx, edi
        shr     ecx, 2
        xor     eax, eax
        rep     stosd

        ; One page directory of large pages maps the first GiB three times: where we stand
        ; (until paging.c drops it), in the direct map, and at -2 GiB.
        mov     dword [pml4 - KERNEL_BASE], pdpt_low - KERNEL_BASE + TABLE
        mov     dword [pml4 - KERNEL_BASE + 8 * PML4_INDEX_DIRECT_MAP], pdpt_low - KERNEL_BASE + TABLE
        mov     dword [pml4 - KERNEL_BASE + 8 * PML4_INDEX_KERNEL], pdpt_high - KERNEL_BASE + TABLE
        mov     dword [pdpt_low - KERNEL_BASE], page_directory - KERNEL_BASE + TABLE
        mov     dword [pdpt_high - KERNEL_BASE + 8 * PDPT_INDEX_KERNEL], page_directory - KERNEL_BASE + TABLE
        mov     edi, page_directory - KERNEL_BASE
        mov     eax, PRESENT | WRITABLE | LARGE
        mov     ecx, ENTRIES
.map:
        mov     [edi], eax
        add     eax, LARGE_PAGE_SIZE
        add     edi, 8
        loop    .map

        mov     eax, CR4_PAE | CR4_PGE
        mov     cr4, eax
        mov     eax, pml4 - KERNEL_BASE
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr
        mov     eax, CR0_PE | CR0_ET | CR0_NE | CR0_MP | CR0_WP | CR0_PG
        mov     cr0, eax

        lgdt    [boot_gdtr]
        lidt    [no_idt]                ; until lab 02 every exception is a reset, never a gate
        jmp     BOOT_CS:long_mode       ; that real mode left in memory

; long_mode_and_nx -- SDM vol. 2, CPUID, leaf 80000001H
;
; out   CF   1 if the CPU has both     ebx  as before. Clobbers eax, ecx, edx, esi.
long_mode_and_nx:
        mov     esi, ebx
        mov     eax, CPUID_EXTENDED
        cpuid
        cmp     eax, CPUID_EXTENDED_FEATURES
        jb      .no
        mov     eax, CPUID_EXTENDED_FEATURES
        cpuid
        mov     ebx, esi
        and     edx, CPUID_LONG_MODE | CPUID_NX
        cmp     edx, CPUID_LONG_MODE | CPUID_NX
        jne     .no
        stc
        ret
.no:
        mov     ebx, esi
        clc
        ret

; cannot_boot -- there is nothing to speak with yet but the debug console
;
; in    ebp  text, NUL-terminated      out   never returns
cannot_boot:
        mov     al, [ebp]
        inc     ebp
        test    al, al
        jz      .stop
        out     DEBUG_CONSOLE, al
        jmp     cannot_boot
.stop:
        hlt
        jmp     .stop

complaint:
.loader:        db "not started by a multiboot loader", 10, 0
.cpu:           db "this CPU has no long mode or no NX bit, or the firmware hides them", 10, 0

; The GDT of the boot lives in .boot and goes with it: lab 01's replaces it. 32-bit code is not
; needed after the far jump.
        align   8
boot_gdt:
        dq      0
BOOT_CS         equ $ - boot_gdt
        dq      0x00af9b000000ffff      ; 64-bit code, ring 0
BOOT_DS         equ $ - boot_gdt
        dq      0x00cf93000000ffff      ; data, ring 0
boot_gdt.end:
boot_gdtr:
        dw      boot_gdt.end - boot_gdt - 1
        dq      boot_gdt
no_idt:
        dw      0
        dq      0

; ---- 64-bit, still at a low address -------------------------------------------------------------

bits 64
long_mode:
        mov     eax, BOOT_DS
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        lldt    ax                      ; none: a reset leaves one of 64 KiB at address 0
        mov     rax, high_half
        jmp     rax

; ---- 64-bit, at -2 GiB ------------------------------------------------------------------------

section .text
high_half:
        ; The boot GDT stays in use until lab 01, so it is reached through the direct map from now
        ; on: paging.c takes the low half away.
        mov     rsp, boot_stack.top
        mov     rax, DIRECT_MAP_BASE + boot_gdt
        push    rax
        sub     rsp, 2
        mov     word [rsp], boot_gdt.end - boot_gdt - 1
        lgdt    [rsp]
        mov     rsp, boot_stack.top

        xor     ebp, ebp                ; a backtrace ends here
        mov     edi, ebx
        call    kernel_main
        ud2                             ; kernel_main ends the machine itself

section .bss align=4096
pml4:           resb PAGE_SIZE
pdpt_low:       resb PAGE_SIZE
pdpt_high:      resb PAGE_SIZE
page_directory: resb PAGE_SIZE
boot_stack_guard: resb PAGE_SIZE        ; paging.c does not map it
boot_stack:     resb BOOT_STACK_SIZE
.top:
