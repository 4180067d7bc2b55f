"""Emulators that replay: a guest is a function from the tests asked for to what a machine would have said."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gatehouse.labs import Lab, Probe, Test
from gatehouse.machine import Answer, Ending, Event, Limits, Run, no_answer

FINE = "fine"


@dataclass(frozen=True)
class Said:
    """What one boot leaves behind."""

    serial: bytes | str
    ending: Ending = Ending.ENDED
    debugcon: bytes = b""
    rip: int | None = None
    trail: list[Event] = field(default_factory=list)
    loop: bool = False
    stalled: bool = False
    seen: Any = field(default_factory=list)
    detail: str = ""


Guest = Callable[[list[str], str], Said]


def a_test(name: str, points: int = 25, **more: Any) -> Test:
    """A test as lab.toml would give it."""
    return replace(Test(name, points, (), "returns", None, {}, None), **more)


def lab(root: Path, tests: Sequence[Test], probe: dict[str, str] | None = None, early: Sequence[str] = (),
        **more: Any) -> Lab:
    """A lab 02 with these tests; `early` ones are written as TEST_BEFORE in its tests.c."""
    out = Lab(number=2, id="02-idt", title="The interrupt descriptor table", root=root, tests=tuple(tests),
              probe=Probe("idt", probe, (), False) if probe is not None else None, **more)
    out.dir.mkdir(parents=True, exist_ok=True)
    (out.dir / "tests.c").write_text("".join(f"TEST_BEFORE(INIT_IDT, {name})\n{{\n}}\n" for name in early))
    return out


def transcript(tests: Sequence[str], nonce: str, says: dict[str, str] | None = None) -> str:
    """A whole boot; SAYS maps a test to the lines between begin and result, "not ok" among them if it fails."""
    says = says or {}
    lines = [f"Gatehouse lab 02-idt, seed 1, nonce {nonce}", "KTAP version 1", f"1..{len(tests)}"]
    passed = 0
    for number, name in enumerate(tests, 1):
        text = says.get(name, "")
        failed = text.endswith("not ok")
        lines += [f"# begin {number} {name}", *text.removesuffix("not ok").splitlines()]
        lines.append(f"{'not ok' if failed else 'ok'} {number} {name} [{nonce}]")
        passed += not failed
    lines.append(f"# END [{nonce}] {passed} passed, {len(tests) - passed} failed, 0 skipped")
    return "\n".join(lines) + "\n"


def until(text: str, mark: str) -> str:
    """TEXT up to and with the line that begins with MARK."""
    found = re.search(rf"^{re.escape(mark)}.*\n", text, re.MULTILINE)
    assert found, f"{mark!r} is not in the transcript"
    return text[:found.end()]


def crash(at: str, how: Said, says: dict[str, str] | None = None) -> Guest:
    """A guest that dies in test AT, whenever that is asked for."""
    def guest(tests: list[str], nonce: str) -> Said:
        whole = transcript(tests, nonce, says)
        if at not in tests:
            return Said(whole)
        return replace(how, serial=until(whole, f"# begin {tests.index(at) + 1} {at}") + str(how.serial))
    return guest


class Replay:
    """An emulator that asks a guest."""

    def __init__(self, guest: Guest, name: str = "qemu") -> None:
        self.name = name
        self.guest = guest
        self.booted: list[list[str]] = []
        self.cpus: list[str] = []

    def of(self, cpu: str) -> Replay:
        self.cpus.append(cpu)
        return self

    def missing(self) -> str | None:
        return None

    def run(self, kernel_dir: Path, cmdline: str, directory: Path, limits: Limits,
            look: Callable[[Any], Any] | None = None, answer: Answer = no_answer) -> Run:
        keys = dict(word.split("=", 1) for word in cmdline.split())
        tests = keys["test"].split(",")
        self.booted.append(tests)
        said = self.guest(tests, keys["nonce"])
        serial = said.serial.encode("latin-1") if isinstance(said.serial, str) else said.serial
        seen = said.seen if look and said.ending == Ending.ENDED else None
        return Run(emulator=self.name, ending=said.ending, serial=serial, debugcon=said.debugcon, rip=said.rip,
                   trail=said.trail, loop=said.loop, stalled=said.stalled, seen=seen, detail=said.detail, command=[],
                   directory=directory, instructions=None)
