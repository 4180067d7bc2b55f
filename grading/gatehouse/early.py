"""Which tests run before the kernel is set up.

A lab's `TEST_BEFORE(step, name)` tries functions that a step of the initialisation needs, so it can
pass while that step itself still ends the machine.  Such a test counts without the boot's end; any
other counts only in a boot that reached it.
"""

from __future__ import annotations

import re

from .labs import Lab

TEST_BEFORE = re.compile(r"^TEST_BEFORE\(\s*\w+\s*,\s*(\w+)\s*\)", re.MULTILINE)


def tests(lab: Lab) -> frozenset[str]:
    """The names of the lab's early tests."""
    names: set[str] = set()
    for path in lab.test_sources:
        names |= set(TEST_BEFORE.findall((lab.root / path).read_text(errors="replace")))
    return frozenset(names)
