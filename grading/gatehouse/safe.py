"""Text from a guest, made safe for a terminal and for XML."""

from __future__ import annotations

WIDEST = 160
LOOK_BACK = 64 * 1024


def escape(text: str) -> str:
    """TEXT on one line with everything but printable ASCII as \\xNN, cut where it is too long."""
    shown = "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in text[:WIDEST])
    return shown + (" ..." if len(text) > WIDEST else "")


def tail(serial: bytes, count: int) -> list[str]:
    """The last COUNT lines that hold anything, escaped."""
    lines = serial[-LOOK_BACK:].decode("latin-1").split("\n")
    return [escape(line) for line in lines if line.strip()][-count:]
