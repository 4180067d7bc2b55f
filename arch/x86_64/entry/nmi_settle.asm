; The corner that is left of NMIs that nest: a machine check at the very end of one. docs/entry.md, "NMIs that
; nest".

%include "common.inc"
%include "offsets.inc"

extern entry_nmi.left, entry_nmi.iretq, machine_check_frame
global nmi_settle, nmi_settle_end

section .entry.text exec

%assign CPU_FRAME PT_SIZE - PT_RIP

; settle -- the CPU's frame of an #MC at rax, with the copy below the marker at rdi; clobbers rcx
%macro settle 0
        test    byte [rax + PT_CS - PT_RIP], RPL_MASK
        jnz     %%done
        cmp     qword [rax], entry_nmi.left
        je      %%settle
        cmp     qword [rax], entry_nmi.iretq
        jne     %%done
%%settle:
    %assign slot 0
    %rep CPU_FRAME / 8
        mov     rcx, [rdi + slot - CPU_FRAME]
        mov     [rax + slot], rcx
        %assign slot slot + 8
    %endrep
%%done:
%endmacro

; nmi_settle -- an #MC that would go back to an NMI's last instructions goes where those would go
;
; in    rsp  return address, and above it what has arrived with another NMI     rdi  the marker's address
;            IF 0, NMIs held back
; out   every register as it was
;
; The #MC has struck at entry_nmi.left or .iretq, where the marker is 0 and the copy still wanted, and this NMI
; has struck in its handler. If that #MC is over long since, its frame is a dead one, and no harm is done. One
; from ring 3, where rip may be anything, is on its way to from_user.
nmi_settle:
        push    rax
        push    rcx
        cmp     qword [rdi], 0
        jne     .done                   ; it goes back to an NMI that is not at its end
        mov     rax, [machine_check_frame]
        settle
        sub     rax, MACHINE_CHECK_PLACE
        settle
.done:
        pop     rcx
        pop     rax
        ret
nmi_settle_end:
