"""Which function of the given code has called panic, by the stack of the machine that it ended.

A panic can be printed by anybody. All C code keeps a frame pointer, so the way from machine_end back is on the stack.
"""

from __future__ import annotations

from struct import unpack

from .machine import NotMapped, View

PANIC = ("report", "panic_at", "panic_with", "panic")        # kernel/panic.c


def panicker(view: View) -> str | None:
    """None if that was a function of a file with holes, or if the machine was not ended by a panic."""
    given = view.symbols.without_holes()
    try:
        (caller,), frame, inside = unpack("<Q", view.read(view["rsp"], 8)), view["rbp"], False
        while caller in given:
            name = view.symbols.describe(caller - 1).partition("+")[0]       # panic never comes back: behind its call
            if name not in PANIC:                                            # another function may begin
                return name if inside else None
            inside = True
            above, caller = unpack("<QQ", view.read(frame, 16))
            if above <= frame:
                return None
            frame = above
    except NotMapped:
        pass
    return None
