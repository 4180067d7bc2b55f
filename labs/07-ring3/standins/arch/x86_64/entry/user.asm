; Before lab 07 there is no ring 3 to come from or to go to.

%include "common.inc"

global from_user, to_user

section .entry.text exec

from_user:
to_user:
        ud2
