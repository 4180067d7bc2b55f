"""Submissions that mean harm to whoever builds them, or to find the answers where they are built."""

from __future__ import annotations

import functools
import os
import pty
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from gatehouse import holes, labs, sandbox, symbols
from gatehouse.cohort import record
from gatehouse.cohort.intake import slug_of
from gatehouse.cohort.workshop import make_view

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "grading/grade-class"
GDT = "arch/x86_64/cpu/gdt.c"
C, ASM = "arch/x86_64/serial/serial.c", "arch/x86_64/entry/normal.asm"
UP = "../" * 30
REFERENCE = ROOT / C
# Where answers may be sought: from the folder in which make runs, and from the file's own.
ELSEWHERE = [str(REFERENCE), UP + str(REFERENCE)[1:], f"{ROOT}/build/obj/{C}.o", f"{ROOT}/build/00-serial/kernel",
             f"{ROOT}/labs/00-serial/solution/{C}", f"labs/00-serial/solution/{C}", f"labs/00-serial/skeleton/{C}",
             f"build/obj/{C}.o", f"../../../../out/obj/{C}.o", "../../../../out/00-serial/kernel",
             f"../../../../clean/obj/{C}.o", f"../../../../../reference/{C}", f"../reference-0/out/obj/{C}.o",
             "/proc/self/environ", "/proc/self/fd/1", "/dev/zero", "/dev/stdin", "/dev/tty", "/dev/urandom",
             "/etc/passwd"]
DOUBLING = "".join(f"#define A{n + 1} A{n} A{n}\n" for n in range(40))
MANY = ('asm(".altmacro\\n.macro many n\\n{}\\n.endm\\n.set i, 0\\n'
        '.rept {}\\nmany %i\\n.set i, i + 1\\n.endr\\n.text");\n')
NOT_THERE = "No such file or directory"


def included(what: str) -> str:
    return f'#include "{what}"\n'


def assembled(text: str) -> str:
    return 'asm("{}");\n'.format(text.replace('"', '\\"'))


# What each adds to the top of the unfilled file, and what the report says. None: it builds, and has no points.
IN_C = {
    "nothing": ("", None),
    "passwd": (included("/etc/passwd"), f"/etc/passwd: {NOT_THERE}"),
    "absolute": (included(str(REFERENCE)), NOT_THERE),
    "relative": (included(UP + str(REFERENCE)[1:]), NOT_THERE),
    "incbin": (assembled(f'.incbin "{REFERENCE}"'), "file not found"),
    "incbin-object": (assembled(f'.incbin "{ROOT}/build/obj/{C}.o"'), "file not found"),
    "as-include": (assembled(f'.include "{REFERENCE}"'), "an't open"),
    "anywhere": ("".join(f'#if __has_include("{path}")\n#error found {path}\n#endif\n' for path in ELSEWHERE)
                 + "#error nothing is found\n", "#error nothing is found"),
    "as-if-there": (f'#line 7 "{REFERENCE}"\n#error a line of whose\n', "#error a line of whose"),
    "itself": ("#include __FILE__\n", "nested depth"),
    "zero": (included("/dev/zero"), NOT_THERE),
    "stdin": (included("/dev/stdin"), NOT_THERE),
    "environment": (included("/proc/self/environ"), NOT_THERE),
    "its-own-pipe": (included("/proc/self/fd/2"), NOT_THERE),
    "bomb-of-tokens": (DOUBLING + "#define A0 1 +\nint x = A40 1;\n", f"{C}: what is made of it takes more than"),
    "bomb-of-lines": (assembled(".rept 1000000000\\n.endr"),
                      f"{C}: what is made of it takes more than 512 MiB of memory"),
    "bomb-of-bytes": (assembled(".fill 1 << 40"), f"{C}: what is made of it takes more than 16 MiB on the disk"),
    "bomb-of-zeroes": ("char x[1ul << 31] = { 1 };\n", f"{C}: what is made of it takes more than 16 MiB on the disk"),
    "more-than-memory": ("char x[200 << 20];\n", "the kernel with all its variables is larger than 64 MiB"),
    "more-sections-than-a-table-names": (
        MANY.format(".section .s\\\\n,\\\"a\\\"\\n.byte 0", 70000),
        "what is made of it cannot be judged: it is damaged: more sections than a kernel needs"),
    "more-symbols-than-a-kernel-has": (MANY.format(".globl sy\\\\n\\nsy\\\\n:", 60000),
                                       "linking the kernel takes more than 10 s of processor time"),
    "messages": ("#warning " + "x" * 500 + "\n#define W _Pragma(\"message(\\\"" + "y" * 200 + "\\\")\")\n"
                 + "W\n" * 20000, "error: #warning"),
    "one-long-message": ("#error " + "x" * 500000 + "\n", "#error xxx"),
    "escapes": ("#error \x1b[2J\x1b]0;title\x07 <script>\n", "<script>"),
    "constructor": ("\n__attribute__((constructor)) static void f(void) { out8(0xf4, 0); }\n", None),
    "another-test": ("\n#include <kernel/test.h>\nTEST(line_settings) { }\n", "has a section .tests."),
    "section-of-tests": ('__attribute__((section(".tests.0"), used)) static const void *const t = &t;\n',
                         "has a section .tests.0, which is for given files only"),
    "section-of-boot": (assembled('.section .multiboot,"a"\\n.long 0\\n.text'), "has a section .multiboot"),
    "takes-a-given-name": (assembled(".globl print\\nprint: ret"), "multiple definition of `print'"),
    "weak": (assembled(".weak print\\nprint: ret"), "it defines print, which is given"),
    "alias": ("void print_(void); void print_(void) { }\n" + assembled(".globl print\\n.set print, print_"),
              "multiple definition of `print'"),
    "version": ("void print_(void); void print_(void) { }\n" + assembled(".symver print_, errno_name@@V"),
                "it defines errno_name@@V, and no symbol has versions here"),
    "shadows": (assembled(".globl report_values\\nreport_values: ret"), "multiple definition of `report_values'"),
    "defines-a-test": (assembled(".globl lab_id\\nlab_id: .byte 0"), "multiple definition of `lab_id'"),
}
# Of students, as their folders are called.
NAMES = ["a\nb", "it's \"so\"", "$(touch made)", "`touch made`; touch made", "-rf", "--help", "=cmd|x!A1",
         "\x1b[2J\x1b]0;x\x07", "<script>alert(1)", "&&touch made&", "a..", "%s%n", "a\\b", "\udcff", "*", "~",
         "x" * 200]
BEGIN = "bits 64\n"
IN_ASM = {
    "nothing": ("", None),
    "passwd": ('incbin "/etc/passwd"\n', "unable to get length of file"),
    "reference": (f'%include "{ROOT / ASM}"\n', "unable to open"),
    "relative": (f'%include "{UP}{str(ROOT / ASM)[1:]}"\n', "unable to open"),
    "solution": (f'incbin "labs/03-exceptions/solution/{ASM}"\n', "unable to get length of file"),
    "object": (f'incbin "{ROOT}/build/obj/{ASM}.o"\n', "unable to get length of file"),
    "object-of-before": (f'incbin "../reference-0/out/obj/{ASM}.o"\nincbin "../reference-1/out/obj/{ASM}.o"\n',
                         "unable to get length of file"),
    "environment": ('incbin "/proc/self/environ"\n', "unable to get length of file"),
    "environment-of-nasm": ('%defstr x %!LD_PRELOAD\n', "nonexistent environment variable"),
    "zero": ('incbin "/dev/zero"\n', "unable to get length of file"),
    "repeated": ("%rep 100000000\nnop\n%endrep\n", "`%rep' count 100000000 exceeds limit"),
    "repeated-twice": ("%rep 1000000\n%rep 1000000\n%assign a 1\n%endrep\n%endrep\n",
                       f"{ASM}: what is made of it takes more than 10 s of processor time"),
    "times": ("times 1 << 30 db 0\n", f"{ASM}: what is made of it takes more than"),
    "itself": (f'%include "{ASM}"\n', "Too many open files"),
    "depends": ('%depend "x $(shell touch here) `touch here`"\n', None),
    "test": ("section .tests.0\ndq 0\nsection .text\n", "has a section .tests.0"),
}


def skeleton(name: str) -> str:
    return holes.skeleton((ROOT / name).read_text(), name)


def lines_of(text: str) -> set[str]:
    return {"".join(line.split()) for line in text.split("\n") if "//@" not in line and ";@" not in line}


@functools.cache
def given() -> set[str]:
    """All lines of what students have."""
    solved = {name for lab in labs.load(ROOT) for name in lab.hole_files}
    files = [path.relative_to(ROOT).as_posix() for top in ("arch", "kernel", "labs") for path in (ROOT / top).rglob("*")
             if path.suffix in (".c", ".h", ".asm", ".inc") and not {"solution", "skeleton"} & set(path.parts)]
    return set().union(*(lines_of(skeleton(name) if name in solved else (ROOT / name).read_text()) for name in files))


def answers(name: str) -> set[str]:
    """Lines of the reference that only who has solved NAME can have, without blanks."""
    return {line for line in lines_of((ROOT / name).read_text()) - given() if len(line) >= 16}


def listing(*tops: Path) -> set[str]:
    """Every path below TOPS, but what other graders on this machine make."""
    return {str(path) for top in tops for path in top.rglob("*")
            if not {"build", "__pycache__", ".git", ".mypy_cache", ".pytest_cache"} & set(path.parts[:-1])}


def processes(named: str) -> Iterator[tuple[int, str]]:
    """Number and command line of those whose command line names it."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes()
        except OSError:
            continue
        if named.encode() in line:
            yield int(place.parent.name), line.replace(b"\0", b" ").decode(errors="replace")


def running(named: str) -> list[str]:
    return [line for _, line in processes(named)]


def odd_tree(top: Path, name: str) -> None:
    """The skeleton, among files that no tree should hold."""
    file = top / name
    file.parent.mkdir(parents=True)
    file.write_text(skeleton(name))
    (top / "Makefile").write_text("kernel:\n\ttouch $(CURDIR)/made; exit 1\n$(shell touch made)\n")
    (top / "labs").mkdir()
    (top / "labs/current.mk").write_text("CURRENT := 00\n$(shell touch made)\n")
    (top / "grading/gatehouse").mkdir(parents=True)
    (top / "grading/gatehouse/__init__.py").write_text("open('made', 'w')\n")
    (top / "grading/grade").write_text("#!/bin/sh\ntouch made\n")
    (top / "kernel").mkdir()
    (top / "kernel/test.h").write_text("#error mine\n")
    (file.parent / "print.h").write_text("#error mine\n")
    (top / ".gitattributes").write_text("* filter=x export-subst\n")
    (top / "conftest.py").write_text("open('made', 'w')\n")
    for odd in ("a\nb.c", "it's \"so\".c", "$(touch made).c", "-rf", "`touch made`", "\x1b[2J"):
        (file.parent / odd).write_text("")


def state(top: Path) -> dict[str, tuple[object, ...]]:
    """All that can be told of the files in TOP."""
    found = {}
    for path in top.rglob("*"):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        found[str(path)] = info.st_mode, info.st_uid, info.st_ino, info.st_mtime_ns, info.st_ctime_ns, content
    return found


def home_of_somebody(top: Path) -> Path:
    (top / ".ssh").mkdir(parents=True, mode=0o700)
    (top / ".ssh/id").write_text("a key")
    (top / ".profile").write_text("")
    (top / "open").mkdir()
    (top / "open").chmod(0o777)
    (top / "link").symlink_to(".profile")
    return top


def listening() -> set[str]:
    """Addresses on which this machine's processes wait for others."""
    return {line.split()[1] for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()
            if line.split()[3] == "0A"}


def grade(top: Path, lab: str) -> dict[str, tuple[record.Record, str]]:
    """Judge what lies in TOP/handins; all around it stays as it is."""
    home = home_of_somebody(top.with_name(f"{top.name}-home"))
    project = ["git", "-C", ROOT, "status", "--porcelain", "-uall"]
    def around() -> tuple[object, object, bytes]:
        uncommitted = subprocess.run(project, capture_output=True, check=True).stdout
        return state(home), state(top / "handins"), uncommitted

    before, listened = around(), listening()
    done = subprocess.run([COMMAND, "--dir", top / "handins", "--out", top / "marks", "--lab", lab, "--jobs", "2"],
                          capture_output=True, text=True, cwd=top, env={**os.environ, "HOME": str(home)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()
    assert not running(str(top))
    assert around() == before and not listening() - listened
    out = {}
    for folder in (top / "marks/students").iterdir():
        kept = record.read(folder)
        assert kept
        out[folder.name] = kept, (folder / "report.txt").read_text()
    assert {path.name for path in top.iterdir()} == {"handins", "marks"}
    assert not list(top.rglob("made")) and not list(top.rglob("here"))
    return out


def hand_in(top: Path, name: str, text: str) -> None:
    path = top / name
    path.parent.mkdir(parents=True)
    path.write_text(text)


Graded = dict[str, tuple[record.Record, str]]


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    top = tmp_path_factory.mktemp("c")
    before = listing(ROOT)
    for student, (text, _) in IN_C.items():
        hand_in(top / "handins" / student, C, skeleton(C) + text if text.startswith("\n") else text + skeleton(C))
    odd_tree(top / "handins/odd", C)
    for student in NAMES:
        hand_in(top / "handins" / student, C, skeleton(C))
    for student, make in {"link": lambda path: path.symlink_to(REFERENCE), "pipe": os.mkfifo,
                          "folder": lambda path: path.mkdir()}.items():
        path = top / "handins" / student / C
        path.parent.mkdir(parents=True)
        make(path)
        (path.parent / "other.c").write_text("")
    graded = grade(top, "0")
    assert listing(ROOT) == before
    return graded


@pytest.fixture(scope="module")
def in_asm(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    top = tmp_path_factory.mktemp("asm")
    for student, (text, _) in IN_ASM.items():
        hand_in(top / "handins" / student, ASM, text + skeleton(ASM))
    return grade(top, "3")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_students(in_c: Graded, name: str) -> None:
    kept, told = in_c[slug_of(name)]
    assert kept.student == name and kept.status == "judged" and kept.score == in_c["nothing"][0].score
    assert all(char.isprintable() or char == "\n" for char in told)


def no_answers(told: str, name: str) -> None:
    flat = "".join(told.split())
    assert not [line for line in answers(name) if line in flat]


@pytest.mark.parametrize("name", IN_C)
def test_in_c(in_c: Graded, name: str) -> None:
    kept, told = in_c[name]
    says = IN_C[name][1]
    assert kept.status == "judged" and kept.score == 0, told
    assert says is None or says in told, told
    assert len(told) < 20000 and all(char.isprintable() or char == "\n" for char in told)
    no_answers(told, C)


@pytest.mark.parametrize("name", IN_ASM)
def test_in_assembly(in_asm: Graded, name: str) -> None:
    kept, told = in_asm[name]
    says = IN_ASM[name][1]
    assert kept.status == "judged" and kept.score == in_asm["nothing"][0].score, told
    assert says is None or says in told, told
    assert len(told) < 20000
    no_answers(told, ASM)


@pytest.mark.parametrize("name", ["link", "pipe", "folder"])
def test_a_hole_that_is_no_file(in_c: Graded, name: str) -> None:
    kept, told = in_c[name]
    assert kept.score == 0 and C in told, told


def test_files_that_no_tree_should_hold(in_c: Graded) -> None:
    kept, told = in_c["odd"]
    assert kept.status == "judged" and kept.score == 0
    assert all(char.isprintable() or char == "\n" for char in told)
    assert "not judged: Makefile" in told and "not judged: arch/x86_64/serial/$(touch made).c" in told
    assert "#error" not in told


def test_earlier_answers_are_not_shown(tmp_path: Path) -> None:
    text = skeleton(GDT)
    hand_in(tmp_path / "handins/c", GDT, f'#define static @\n#define void @\n#include "{C}"\n{text}')
    hand_in(tmp_path / "handins/bytes", GDT,
            text + assembled(f'.incbin "{C}"') + "_Static_assert(!__has_include(\"../00-serial\"));\n")
    for kept, told in grade(tmp_path, "1").values():
        assert kept.status == "judged" and kept.score < 100
        no_answers(told, C)
    places = [path for path in (tmp_path / "marks/students").rglob("*") if path.is_file()]
    assert not [line for line in answers(C) for path in places if line.encode() in b"".join(path.read_bytes().split())]


def code(view: Path) -> Iterator[tuple[Path, set[str]]]:
    """What is made of sources, and the names that it defines."""
    for path in view.rglob("*"):
        if path.is_file() and not path.is_symlink():
            head = path.open("rb").read(8)
            if head.startswith(b"!<arch>"):
                yield path, symbols.archived(path)
            elif head.startswith(b"\x7fELF\x02") and "userland" not in path.parts:
                yield path, symbols.defined(path)


@pytest.mark.parametrize("lab, earlier", [("0", "reference"), ("3", "reference"), ("3", "own")])
def test_a_view_holds_no_answer(tmp_path: Path, lab: str, earlier: str) -> None:
    known = labs.load(ROOT)
    judged = labs.find(known, lab)
    subprocess.run(["make", "-s", "-C", ROOT, "kernel", f"LAB={judged.tag}"], check=True, capture_output=True,
                   env={**os.environ, "MAKEFLAGS": ""})
    view = make_view(ROOT, known, judged, earlier, tmp_path / "view")        # type: ignore[arg-type]
    hidden = [other for other in known if other.number >= judged.number or earlier == "own"]
    lines = set().union(*(answers(name) for other in hidden for name in other.hole_files))
    for path in view.rglob("*"):
        assert not path.is_symlink() or view in path.resolve().parents
        if path.is_file() and "userland" not in path.relative_to(view).parts[:2]:
            if path.suffix in (".c", ".h", ".asm", ".inc"):
                assert not lines & lines_of(path.read_text()), path
            else:
                text = "".join(path.read_bytes().decode("latin-1").split())
                assert not [line for line in lines if line in text], path
    for path, names in code(view):
        assert not path.name.startswith("kernel") and "labs" not in path.relative_to(view).parts, path
        given = {name.removesuffix(".o") for name in (path.relative_to(view / "build/obj").as_posix(),)} \
            if view / "build/obj" in path.parents else set()
        assert not given & {name for other in known for name in other.adds}, path
    assert not list(view.rglob("*.md")) and not (view / "grading/tests").exists()


def wait_for(seen: str, top: Path, started: subprocess.Popen[bytes]) -> list[int]:
    """The numbers of the processes below TOP that are called so, when there are some."""
    deadline = time.monotonic() + 120
    while not (found := [pid for pid, line in processes(f"{top}/marks/work") if seen in line]):
        assert time.monotonic() < deadline and started.poll() is None, running(str(top))
        time.sleep(0.02)
    return found


def end_of_all(top: Path) -> None:
    deadline = time.monotonic() + 10
    while (left := running(str(top))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


@pytest.mark.parametrize("seen", ["/cc1", "qemu-system", "bochs"])
def test_killed_it_leaves_no_process(tmp_path: Path, seen: str) -> None:
    for number in range(3):
        hand_in(tmp_path / "handins" / str(number), C, (ROOT / C).read_text())
    started = subprocess.Popen([COMMAND, "--dir", tmp_path / "handins", "--out", tmp_path / "marks", "--lab", "0"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(seen, tmp_path, started)
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    end_of_all(tmp_path)


def test_a_terminal_that_is_closed_ends_all(tmp_path: Path) -> None:
    """The shell is gone, too: what make has started gets the hang-up from the kernel alone."""
    hand_in(tmp_path / "handins/ada", C, (ROOT / C).read_text())
    words = ["make", "-s", "-C", str(ROOT), "grade-class", f"DIR={tmp_path}/handins", f"OUT={tmp_path}/marks", "LAB=0"]
    pid, terminal = pty.fork()
    if not pid:
        os.execvpe(words[0], words, {**os.environ, "MAKEFLAGS": ""})
    with subprocess.Popen(["sleep", "200"]) as nobody:
        try:
            wait_for("qemu-system", tmp_path, nobody)
        finally:
            nobody.kill()
            os.close(terminal)
            os.waitpid(pid, 0)
    end_of_all(tmp_path)


def test_a_make_that_is_killed_leaves_a_grader_that_ends(tmp_path: Path) -> None:
    hand_in(tmp_path / "handins/ada", C, (ROOT / C).read_text())
    started = subprocess.Popen(["make", "-s", "-C", ROOT, "grade-class", f"DIR={tmp_path}/handins",
                                f"OUT={tmp_path}/marks", "LAB=0"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "MAKEFLAGS": ""})
    wait_for("qemu-system", tmp_path, started)
    started.send_signal(signal.SIGKILL)
    started.wait()
    deadline = time.monotonic() + 60
    while running(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    end_of_all(tmp_path)
    kept = record.read(tmp_path / "marks/students/ada")
    assert kept and kept.score == 100


@pytest.mark.parametrize("seen, says", [("/cc1", "has ended a program of the build"), ("qemu-system", "")])
def test_a_worker_that_is_killed_costs_no_mark(tmp_path: Path, seen: str, says: str) -> None:
    # The compiler must still be there when it is to be killed.
    slow = DOUBLING + "#define A0 1 +\nint slow = A17 1;\n"
    hand_in(tmp_path / "handins/ada", C, slow + (ROOT / C).read_text())
    words = [COMMAND, "--dir", tmp_path / "handins", "--out", tmp_path / "marks", "--lab", "0"]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    students = tmp_path / "marks/students/ada"
    while not (students / "files").is_dir() and started.poll() is None:
        time.sleep(0.005)
    for pid in wait_for(seen, tmp_path, started):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = started.communicate(timeout=120)[0].decode()
    kept = record.read(students)
    assert kept and (kept.status, kept.score) == (("trouble", 0) if says else ("judged", 100)), said
    assert says in said and started.returncode == int(bool(says))
    assert subprocess.run(words, capture_output=True).returncode == 0
    kept = record.read(students)
    assert kept and kept.score == 100


def test_a_machine_without_namespaces_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(sandbox.Sandbox):
        def enclose(self, command: Sequence[str], directory: Path, *, read: Sequence[Path] = (),
                    write: Sequence[Path] = ()) -> list[str]:
            return ["sh", "-c", "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1"]

    monkeypatch.setattr(sandbox, "_restricted", lambda: True)
    assert Refused().missing() == ("no sandbox can be made here: bwrap: setting up uid map: Permission denied; "
                                   "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
