; A raw disk that boots the kernel without GRUB: the grader's short way in, for Bochs.
; The BIOS loads the first sector; it loads the image that follows and speaks multiboot to it.
;
;   bytes     0 ..  511   this code
;         512 .. 2047     the command line, NUL-terminated; whoever runs the disk writes it
;        2048 ..          the image, as objcopy -O binary makes it (assembled in: -DIMAGE='"file"')

SECTOR          equ 512
CMDLINE         equ 0x7e00              ; lands behind this code, for it is read in the same go
CMDLINE_SECTORS equ 3
BUFFER          equ 0x10000
CHUNK_SECTORS   equ 64
CHUNK           equ CHUNK_SECTORS * SECTOR
IMAGE_START     equ 0x100000
ENTRY_FIELD     equ IMAGE_START + 28    ; in the multiboot header, which opens the image
MEMORY_MAP      equ 0x9000
MULTIBOOT       equ 0x8800              ; the information that we hand over
MULTIBOOT_LOADER equ 0x2badb002
HAS_CMDLINE     equ 1 << 2
HAS_MEMORY_MAP  equ 1 << 6
SMAP            equ 0x534d4150          ; "SMAP", for int 0x15 function 0xe820
MAP_ENTRY       equ 20

        org     0x7c00
        bits    16
start:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, start
        mov     [drive], dl

        mov     word [packet.count], CMDLINE_SECTORS
        mov     dword [packet.offset], CMDLINE
        call    read

        mov     word [packet.count], CHUNK_SECTORS
        mov     dword [packet.offset], (BUFFER >> 4) << 16
        mov     bp, IMAGE_CHUNKS
.load:
        call    read
        mov     si, move                ; int 0x15 function 0x87: move CX words across 1 MiB
        mov     cx, CHUNK / 2
        mov     ah, 0x87
        int     0x15
        jc      failed
        add     dword [move.to], CHUNK  ; base 23:0; bits 31:24 stay 0
        dec     bp
        jnz     .load

        xor     ebx, ebx                ; the memory map: entries of size, base, length, type
        mov     di, MEMORY_MAP
.map:
        mov     dword [di], MAP_ENTRY
        add     di, 4
        mov     eax, 0xe820
        mov     edx, SMAP
        mov     ecx, MAP_ENTRY
        int     0x15
        jc      .end_of_map
        add     di, MAP_ENTRY
        test    ebx, ebx
        jnz     .map
        jmp     .mapped
.end_of_map:
        sub     di, 4                   ; the BIOS had no entry for the size that stands there
.mapped:
        movzx   eax, di
        sub     eax, MEMORY_MAP
        mov     dword [MULTIBOOT], HAS_CMDLINE | HAS_MEMORY_MAP
        mov     dword [MULTIBOOT + 16], CMDLINE
        mov     [MULTIBOOT + 44], eax
        mov     dword [MULTIBOOT + 48], MEMORY_MAP

        in      al, 0x92                ; A20 by the fast gate
        or      al, 2
        out     0x92, al
        cli
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:protected

; read -- the packet's sectors; the packet moves on behind them. Clobbers ax, dx, si.
read:
        mov     dl, [drive]
        mov     si, packet
        mov     ah, 0x42
        int     0x13
        jc      failed
        movzx   eax, word [packet.count]
        add     [packet.sector], eax
        ret

failed:
        mov     si, complaint
        mov     cx, complaint.length
        mov     dx, 0xe9                ; the debug console
        rep     outsb
        hlt
        jmp     $ - 1

        bits    32
protected:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     eax, MULTIBOOT_LOADER
        mov     ebx, MULTIBOOT
        jmp     [ENTRY_FIELD]

drive:          db 0
complaint:      db "disk boot failed", 10
.length         equ $ - complaint

        align   4
packet:         dw 16
.count:         dw 0
.offset:        dd 0                    ; segment:offset
.sector:        dq 1

gdtr:           dw 3 * 8 - 1
                dd gdt
gdt:            dq 0
                dq 0x00cf9b000000ffff   ; code, flat
                dq 0x00cf93000000ffff   ; data, flat

move:           times 16 db 0           ; the BIOS' own six descriptors; we fill two
                dw CHUNK - 1
                db BUFFER & 0xff, BUFFER >> 8 & 0xff, BUFFER >> 16, 0x93
                dw 0
                dw CHUNK - 1
.to:            db IMAGE_START & 0xff, IMAGE_START >> 8 & 0xff, IMAGE_START >> 16, 0x93
                dw 0
                times 16 db 0

        times   510 - ($ - $$) db 0
        dw      0xaa55

        times   CMDLINE_SECTORS * SECTOR db 0

image:
        incbin  IMAGE
        times   (CHUNK - ($ - image) % CHUNK) % CHUNK db 0
IMAGE_CHUNKS    equ ($ - image) / CHUNK
%if IMAGE_CHUNKS * CHUNK > 15 << 20
    %error the image does not fit between 1 MiB and 16 MiB
%endif

        ; Bochs takes its geometry from the size: whole cylinders of 16 heads by 63 sectors.
CYLINDER        equ 16 * 63 * SECTOR
        times   (CYLINDER - ($ - $$) % CYLINDER) % CYLINDER db 0
