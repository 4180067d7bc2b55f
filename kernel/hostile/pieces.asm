; Instructions that hostile programs are made of (hostile.h). Each runs at any address.

%include "common.inc"
%include "offsets.inc"

; list NAME -- the pieces that follow belong to it, until the next one
%macro list 1
        [section .rodata.%1]
        align   8
global %1
%1:
    %define list_name %1
%endmacro

; end -- of the list
%macro end 0
        [section .rodata.%[list_name]]
global %[list_name]_end
%[list_name]_end:
%endmacro

; piece INSTRUCTION -- in the list
%macro piece 1+
        [section .rodata]
%%from: %1
%%to:
        [section .rodata.%[list_name]]
        dq      %%from, %%to
%endmacro

; bytes NUMBERS -- for what the assembler does not know, or not in this form
%macro bytes 1+
        piece   db %1
%endmacro

; ---- 64-bit code -----------------------------------------------------------------------------------

        list    doors_64
        piece   syscall
        piece   syscall
        piece   syscall
        piece   int 0x80
        piece   int 0x80
        bytes   0x0f, 0x34              ; SYSENTER
        end

        list    others_64
        piece   int3
        piece   int 3
        piece   int 4
        piece   int 1
        piece   int 2
        piece   int 8
        piece   int 14
        piece   int 18
        piece   int 0x20
        piece   int 0xef
        piece   int 0xff
        bytes   0xf1                    ; INT1
        piece   ud2
        piece   hlt
        piece   cli
        piece   sti
        piece   clts
        piece   swapgs
        piece   o64 sysret
        piece   sysret
        piece   sysexit
        piece   o64 sysexit
        piece   iretq
        piece   iret
        piece   o64 retf
        piece   retf
        piece   ret
        piece   rdmsr
        piece   wrmsr
        piece   rdpmc
        piece   rdtsc
        piece   rdtscp
        piece   cpuid
        piece   invd
        piece   wbinvd
        piece   invlpg [rdi]
        piece   monitor
        piece   mwait
        piece   xsetbv
        piece   xgetbv
        piece   clac
        piece   stac
        piece   rdfsbase rax
        piece   rdgsbase rax
        piece   wrfsbase rax
        piece   wrgsbase rax
        bytes   0xf3, 0x0f, 0xc7, 0xf8  ; RDPID RAX
        piece   lgdt [rdi]
        piece   lidt [rdi]
        piece   sgdt [rdi]
        piece   sidt [rdi]
        piece   lldt ax
        piece   ltr ax
        piece   sldt eax
        piece   str eax
        piece   smsw eax
        piece   lmsw ax
        piece   lar eax, ecx
        piece   lsl eax, ecx
        piece   verr ax
        piece   verw ax
        piece   mov rax, cr0
        piece   mov rax, cr2
        piece   mov rax, cr3
        piece   mov rax, cr4
        piece   mov rax, cr8
        piece   mov cr0, rax
        piece   mov cr3, rax
        piece   mov cr4, rax
        piece   mov cr8, rax
        piece   mov rax, dr6
        piece   mov rax, dr7
        piece   mov dr0, rax
        piece   mov dr7, rax
        piece   in al, dx
        piece   in eax, 0x60
        piece   out dx, al
        piece   out 0x80, al
        piece   rep insb
        piece   rep outsb
        piece   mov ss, eax
        piece   mov ds, eax
        piece   mov es, eax
        piece   mov fs, eax
        piece   mov gs, eax
        piece   pop fs
        piece   pop gs
        piece   lss rax, [rdi]
        piece   lfs rax, [rdi]
        piece   lgs rax, [rdi]
        piece   popfq
        piece   popf
        piece   pushfq
        piece   jmp far dword [rdi]
        bytes   0x48, 0xff, 0x2f        ; JMP FAR with 64 bits of offset
        piece   call far dword [rdi]
        bytes   0x48, 0xff, 0x1f        ; CALL FAR with them
        piece   jmp rax
        piece   call rax
        piece   jmp [rdi]
        piece   push rax
        piece   pop rax
        piece   enter 0x100, 31
        piece   leave
        piece   mov rax, [rdi]
        piece   mov [rdi], rax
        piece   mov rax, [gs:rdi]
        piece   mov rax, [fs:rdi]
        piece   mov rax, [rbp]
        piece   lock inc qword [rdi]
        piece   lock cmpxchg16b [rdi]
        piece   rep movsb
        piece   rep stosq
        piece   repe cmpsb
        piece   div rcx
        piece   idiv ecx
        piece   fldcw [rdi]
        piece   fldenv [rdi]
        piece   frstor [rdi]
        piece   fwait
        piece   fsqrt
        piece   ldmxcsr [rdi]
        piece   sqrtss xmm0, xmm1
        piece   fxrstor64 [rdi]
        piece   fxsave64 [rdi]
        piece   xrstor64 [rdi]
        piece   xsave64 [rdi]
        piece   movaps xmm0, [rdi]
        piece   jmp $                   ; until its budget is used up
        piece   mov ss, eax
        piece   prefetchw [rdi]
        piece   clflush [rdi]
        bytes   0x0f, 0x01, 0xc1        ; VMCALL
        bytes   0x0f, 0x01, 0xd9        ; VMMCALL
        bytes   0x0f, 0x01, 0xd8        ; VMRUN
        bytes   0x0f, 0xaa              ; RSM
        bytes   0x0f, 0x0b, 0xff        ; UD2, and more
        bytes   0x0f, 0xff, 0xc0        ; UD0
        bytes   0xc7, 0xf8, 2, 0, 0, 0  ; XBEGIN
        bytes   0x8e, 0xd0, 0x0f, 0x05          ; MOV SS, EAX; SYSCALL
        bytes   0x8e, 0xd0, 0xcd, 0x80          ; MOV SS, EAX; INT 0x80
        bytes   0x17                            ; POP SS, which 64-bit code has not
        bytes   0x62, 0x00                      ; BOUND, the same; a prefix
        piece   times 15 db 0x66        ; too many prefixes
        end

; ---- 32-bit code -----------------------------------------------------------------------------------

bits 32
        list    doors_32
        piece   int 0x80
        piece   int 0x80
        bytes   0x0f, 0x34              ; SYSENTER
        bytes   0x0f, 0x05              ; SYSCALL
        end

        list    others_32
        piece   int3
        piece   into
        piece   int 1
        piece   int 2
        piece   int 0x20
        piece   bound eax, [edi]
        piece   arpl ax, cx
        piece   aam 0
        piece   hlt
        piece   cli
        piece   sti
        piece   iret
        piece   retf
        piece   ret
        piece   sysexit
        bytes   0x0f, 0x07              ; SYSRET
        bytes   0x0f, 0x01, 0xf8        ; SWAPGS, which it is in 64-bit code alone
        piece   mov ds, eax
        piece   mov es, eax
        piece   mov ss, eax
        piece   mov fs, eax
        piece   mov gs, eax
        piece   pop ds
        piece   pop es
        piece   pop ss
        piece   lds eax, [edi]
        piece   les eax, [edi]
        piece   popfd
        piece   pushad
        piece   popad
        piece   jmp far [edi]
        piece   call far [edi]
        piece   jmp USER32_CS:0
        piece   jmp KERNEL_CS:0x1000
        piece   call KERNEL_CS:0x1000
        piece   jmp TSS_SELECTOR:0
        piece   call TSS_SELECTOR:0
        piece   jmp $
        piece   in eax, dx
        piece   outsd
        piece   mov eax, cr0
        piece   mov dr7, eax
        piece   sldt eax
        piece   sgdt [edi]
        piece   mov eax, [edi]
        piece   mov [ss:edi], eax
        piece   mov eax, [gs:edi]
        piece   push eax
        piece   enter 0x100, 31
        bytes   0x8e, 0xd0, 0x0f, 0x34          ; MOV SS, EAX; SYSENTER
        bytes   0x8e, 0xd0, 0xcd, 0x80          ; MOV SS, EAX; INT 0x80
        end
