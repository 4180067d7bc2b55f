"""The commands of grading/lab.

Exit status: 0 done, 1 a mistake in the labs or a request that cannot be met (one line each on stderr), 2 wrong usage.
Each command imports what it needs itself: make waits for `mk`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import derived, labs, make_include
from .git import GitError
from .labs import LabError


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"lab: {message}; `{self.prog} --help` lists what is right\n")


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    try:
        command: Callable[[argparse.Namespace], int] = arguments.command
        return command(arguments)
    except (LabError, GitError) as error:
        print(error, file=sys.stderr)
        return 1


def _mk(arguments: argparse.Namespace) -> int:
    """A lab with mistakes still builds, so that one can work on it; one that cannot be read at all does not."""
    readable, mistakes = labs.read(arguments.root)
    lost = {path.relative_to(arguments.root).as_posix() for path in arguments.root.glob("labs/*/lab.toml")}
    lost -= {f"labs/{lab.id}/lab.toml" for lab in readable}
    for mistake in mistakes:
        if mistake.path in lost:
            raise mistake
    sys.stdout.write(make_include.text(readable))
    return 0


def _skeletons(arguments: argparse.Namespace) -> int:
    for lab in labs.load(arguments.root):
        for path in derived.write(lab):
            print(path.relative_to(arguments.root))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from . import check
    mistakes = check.mistakes(arguments.root, arguments.objects)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


def _handout(arguments: argparse.Namespace) -> int:
    from . import handout
    for line in handout.publish(arguments.root, arguments.directory, arguments.labs, arguments.upto):
        print(line)
    return 0


def _start(arguments: argparse.Namespace) -> int:
    from . import handout
    for line in handout.start(arguments.root, arguments.lab, arguments.directory):
        print(line)
    return 0


def _next(arguments: argparse.Namespace) -> int:
    from . import student
    for line in student.go_on(arguments.root):
        print(line)
    return 0


def _holes(arguments: argparse.Namespace) -> int:
    from . import student
    for line in student.list_holes(arguments.root):
        print(line)
    return 0


def _handin(arguments: argparse.Namespace) -> int:
    from . import student
    for line in student.hand_in(arguments.root):
        print(line)
    return 0


def _directory(word: str) -> Path:
    if not word:
        raise argparse.ArgumentTypeError("say where, DIR=path")
    return Path(word)


def _parser() -> Parser:
    parser = Parser(prog="grading/lab", description="The lab tool.", allow_abbrev=False)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2],
                        help="the tree to work on (default: the one that this tool lies in)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=run)
        return added

    command("mk", _mk, "print the labs as a make include file")
    command("skeletons", _skeletons, "derive every skeleton, link every solution")
    check = command("check", _check, "find every mistake in the labs")
    check.add_argument("--objects", type=Path, metavar="DIR", help="where a complete build left its objects: "
                       "base files that nothing names are found through them")
    handout = command("handout", _handout, "write or append to the git repository of a course")
    handout.add_argument("directory", type=_directory, metavar="DIR")
    handout.add_argument("--labs", metavar="01,02,...", help="the labs of the course (default: all)")
    handout.add_argument("--upto", metavar="LAB", help="the last lab to publish now (default: all at first; "
                         "later, none that is not published yet)")
    start = command("start", _start, "write a tree for somebody who begins at this lab, earlier ones solved")
    start.add_argument("lab", metavar="LAB")
    start.add_argument("directory", type=_directory, metavar="DIR")
    command("next", _next, "in a handout: merge the next lab")
    command("holes", _holes, "list every hole, and whether it is filled")
    command("handin", _handin, "in a handout: pack what is to be graded")
    return parser
