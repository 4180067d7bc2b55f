; What the rows of memory.c run; rdi is an address.

%include "common.inc"
%include "kernel/emulators/triggers.inc"

section .text

        trigger read_byte
        movzx   eax, byte [rdi]
        ret

        trigger write_byte
        mov     byte [rdi], sil
        ret

        trigger call_at
        call    rdi
        ret

        trigger read_byte_stac
        stac
        movzx   eax, byte [rdi]
        clac
        ret

        trigger fault_stac
        stac
        ud2
