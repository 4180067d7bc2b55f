"""Bulk data that a test sends: made anew here and compared byte by byte.

The bytes depend on seed and nonce, so they cannot be recorded; kernel/random.h makes the same ones.
"""

from __future__ import annotations

from .ktap import Data

MASK = (1 << 64) - 1


def expected(length: int, seed: int, nonce: str) -> bytes:
    """The first LENGTH bytes of splitmix64 seeded with SEED xor NONCE, each number little-endian."""
    state = (seed ^ int(nonce, 16)) & MASK
    out = bytearray()
    while len(out) < length:
        state = (state + 0x9e3779b97f4a7c15) & MASK
        z = state
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
        out += (z ^ z >> 31).to_bytes(8, "little")
    return bytes(out[:length])


def compare(name: str, data: Data | None, seed: int, nonce: str) -> list[str]:
    """What is wrong with the data called NAME, in lines for a person; empty if nothing is."""
    if data is None or data.name != name:
        return [f"the data \"{name}\" did not arrive"]
    if not data.promised:
        return [f"the data \"{name}\" are announced with no bytes at all"]
    want = expected(data.promised, seed, nonce)
    if data.got == want:
        return []
    return [*_count(len(want), len(data.got)), *_first_difference(want, data.got)]


def _count(want: int, got: int) -> list[str]:
    if got < want:
        return [f"bytes that arrived: expected {want}, got {got}: {want - got} were lost"]
    if got > want:
        return [f"bytes that arrived: expected {want}, got {got}: {got - want} too many"]
    return []


def _first_difference(want: bytes, got: bytes) -> list[str]:
    same = next((place for place, (a, b) in enumerate(zip(want, got)) if a != b),
                min(len(want), len(got)))
    if same == len(want):
        return []
    seen = f"{got[same]:#04x}" if same < len(got) else "the end"
    return [f"first difference at offset {same}: expected {want[same]:#04x}, got {seen}"]
