; The archive of files that is part of the image: the programs of userland/, and what lies in userland/root.

global image_archive, image_archive_end

section .rodata align=16

image_archive:  incbin "initramfs.cpio"
image_archive_end:
