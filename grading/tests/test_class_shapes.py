"""Submissions that mean no harm and are packed by all kinds of computers and people."""

from __future__ import annotations

import gzip
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gatehouse.cohort import intake
from gatehouse.cohort.members import Unusable
from test_class_intake import TEXT, WANTED, taken

NAME = WANTED[0]


def zipped(path: Path, made_on: int, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename, info.create_system = name, made_on
            archive.writestr(info, b"" if name.endswith(("\\", "/")) else TEXT)
    return path


def test_a_zip_of_windows(tmp_path: Path) -> None:
    """Some programs there write the wrong slash, which elsewhere may be part of a name."""
    folders = "ada\\", "ada\\arch\\"
    wrong = zipped(tmp_path / "x.zip", 0, *folders, f"ada\\{NAME}".replace("/", "\\"), "ada\\a.txt", "..\\..\\b.txt")
    found, notes = taken(wrong, tmp_path)
    assert found == {NAME: TEXT, "a.txt": TEXT} and len(notes) == 1 and "leads out of the tree" in notes[0]
    assert taken(zipped(tmp_path / "y.zip", 3, NAME, "a\\b"), tmp_path)[0] == {NAME: TEXT, "a\\b": TEXT}


def test_what_was_packed_and_packed_again(tmp_path: Path) -> None:
    """By a student who packs what `make handin` packed, and by a system that packs what was handed in."""
    source = zipped(tmp_path / "0.zip", 3, NAME)
    for number in (1, 2, 3):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            archive.write(tmp_path / f"{number - 1}.zip", f"of ada/handin {number}.zip")
        if number < 3:
            assert taken(tmp_path / f"{number}.zip", tmp_path) == ({NAME: TEXT}, [])
    with pytest.raises(Unusable, match=r"it holds of ada/handin 1\.zip"):
        taken(tmp_path / "3.zip", tmp_path)
    (tmp_path / "ada/__MACOSX").mkdir(parents=True)
    source.rename(tmp_path / "ada/x.zip")
    (tmp_path / "ada/notes.txt").touch()
    assert taken(tmp_path / "ada", tmp_path) == ({NAME: TEXT}, [])


def test_of_two_trees_the_other_is_named(tmp_path: Path) -> None:
    made = zipped(tmp_path / "x.zip", 3, f"old/{NAME}", f"b/new/{NAME}", f"old/copy/{NAME}")
    assert taken(made, tmp_path) == ({NAME: TEXT, f"copy/{NAME}": TEXT}, ["b/new: another tree; old is judged"])


@pytest.mark.parametrize("name", [f"/home/ada/{NAME}", f"../ada/{NAME}"])
def test_a_tree_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match=r"it holds .*; paths that begin with / or lead out by \.\. are not taken"):
        taken(zipped(tmp_path / "x.zip", 3, name), tmp_path)


def test_a_tree_of_another_lab(tmp_path: Path) -> None:
    (tmp_path / "ada/x/labs").mkdir(parents=True)
    (tmp_path / "ada/x/labs/current.mk").write_text("# Written.\nCURRENT := 02\nCOURSE := 02 03\n")
    with pytest.raises(Unusable, match="or other file with holes of this lab; it is a tree at lab 02$"):
        taken(tmp_path / "ada", tmp_path)


@pytest.mark.parametrize("start, what", [
    (b"", "an empty file"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!\x1a\x07", "a RAR archive"),
    (b"PK\3\4" + bytes(50), "a zip file that was cut off"),
    (gzip.compress(b"int x;", mtime=0), "a gzip file that was cut off, or"),
    (b"<html>", "no folder, tar, zip or git bundle"),
])
def test_what_is_no_archive_is_told_for_what_it_is(tmp_path: Path, start: bytes, what: str) -> None:
    (tmp_path / "x.zip").write_bytes(start)
    with pytest.raises(Unusable, match=f"x.zip is {what}.*; `make handin` packs what is wanted"):
        taken(tmp_path / "x.zip", tmp_path)


def test_an_encrypted_zip(tmp_path: Path) -> None:
    made = zipped(tmp_path / "x.zip", 3, NAME)
    data = bytearray(made.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    made.write_bytes(data)
    with pytest.raises(Unusable, match="x.zip is encrypted; pack it without a password"):
        taken(made, tmp_path)


@pytest.mark.parametrize("inside", ["", "ada/"])
def test_a_zip_of_a_mac(tmp_path: Path, inside: str) -> None:
    made = zipped(tmp_path / "x.zip", 3, f"{inside}.DS_Store", f"{inside}{NAME}", f"__MACOSX/{inside}{NAME}",
                  f"__MACOSX/{inside}arch/._x86_64")
    assert taken(made, tmp_path) == ({NAME: TEXT}, [])


def test_letters_beyond_ascii(tmp_path: Path) -> None:
    found, notes = taken(zipped(tmp_path / "x.zip", 3, f"Übung/{NAME}", "Übung/Lösung.txt"), tmp_path)
    assert found == {NAME: TEXT, "Lösung.txt": TEXT} and not notes


@pytest.mark.parametrize("name, told", [
    ("李雷.pdf".encode(), "李雷.pdf"), (b"m\xfcller.pdf", r"m\\xfcller.pdf"), (b"\x1b[31m.pdf", r"\\x1b\[31m.pdf"),
    ("\u202eevil.pdf".encode(), r"\\u202eevil.pdf"),
])
def test_a_name_is_told_as_it_is(tmp_path: Path, name: bytes, told: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(b"%PDF")
    with pytest.raises(Unusable, match=f"^{told} is no folder, tar, "):
        taken(path, tmp_path)


def test_what_computers_add_is_no_student(tmp_path: Path) -> None:
    for name in (".DS_Store", ".git", "__MACOSX", "Thumbs.db", "desktop.ini", "ada"):
        (tmp_path / name).mkdir()
    assert [entry.student for entry in intake.entries(tmp_path)] == ["ada"]


def test_a_thousand(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{'Student' if number % 2 else 'student'} {number // 2}_{number}_assignsubmission_file_").mkdir()
    entries = intake.entries(tmp_path)
    assert len({entry.student for entry in entries}) == len({entry.slug.lower() for entry in entries}) == 1000


def test_a_folder_that_may_not_be_read_hides_no_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"handin-lab03-{name}.tar.gz").touch()
    real = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "ada":          # root may read whatever it is forbidden
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert intake.labs_of(tmp_path) == {"03"}


def test_what_may_not_be_read(tmp_path: Path) -> None:
    for name in ("file", "folder"):
        (tmp_path / name / NAME).parent.mkdir(parents=True)
        (tmp_path / name / NAME).write_bytes(TEXT)
    (tmp_path / "file" / NAME).chmod(0)
    (tmp_path / "folder/arch").chmod(0)
    for name in ("file", "folder"):
        with pytest.raises(Unusable, match=f"{name} cannot be read: .*Permission denied"):
            taken(tmp_path / name, tmp_path)
    (tmp_path / "folder/arch").chmod(0o755)


def git(where: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "protocol.file.allow=always", "-C", where,
                    *words], check=True, capture_output=True)


def repository(top: Path, *options: str) -> Path:
    """With two commits, and work that is not committed."""
    (top / NAME).parent.mkdir(parents=True)
    git(top.parent, "init", "-q", "-b", "work", *options, str(top))
    for text in (b"old\n", TEXT):
        (top / NAME).write_bytes(text)
        git(top, "add", ".")
        git(top, "commit", "-qm", "x")
    return top


def test_a_clone_is_judged_as_its_files_are(tmp_path: Path) -> None:
    """Work that is not committed counts, because it is there to be seen; a bare repository has only commits."""
    clone = repository(tmp_path / "ada")
    (clone / NAME).write_bytes(b"newer\n")
    git(tmp_path, "clone", "-q", "--bare", str(clone), "bare")
    assert taken(clone, tmp_path) == ({NAME: b"newer\n"}, [])
    assert taken(tmp_path / "bare", tmp_path) == ({NAME: TEXT}, [])


@pytest.mark.parametrize("words", [
    ["clone", "--bare", "--depth=1", "file://{ada}", "{made}"],
    ["-C", "{ada}", "worktree", "add", "--detach", "{made}"],
    ["clone", "--recurse-submodules", "{ada}", "{made}"],
    ["-C", "{ada}", "bundle", "create", "{made}", "HEAD"],
])
def test_clones_of_all_kinds(tmp_path: Path, words: list[str]) -> None:
    ada, made = repository(tmp_path / "ada"), tmp_path / "made"
    git(tmp_path, *(word.format(ada=ada, made=made) for word in words))
    assert taken(made, tmp_path) == ({NAME: TEXT}, [])


def test_a_bundle_of_a_part(tmp_path: Path) -> None:
    ada = repository(tmp_path / "ada")
    git(ada, "bundle", "create", str(tmp_path / "x.bundle"), "HEAD~..HEAD")
    with pytest.raises(Unusable, match="git cannot read it: the bundle lacks commits; `git bundle create FILE HEAD`"):
        taken(tmp_path / "x.bundle", tmp_path)


def test_submodules_are_left_out(tmp_path: Path) -> None:
    ada = repository(tmp_path / "ada")
    git(ada, "submodule", "add", "-q", str(repository(tmp_path / "other")), "other")
    git(ada, "commit", "-qm", "x")
    git(tmp_path, "clone", "-q", "--bare", str(ada), "bare")
    assert NAME in taken(tmp_path / "bare", tmp_path)[0]


def test_detached_and_sha256(tmp_path: Path) -> None:
    ada = repository(tmp_path / "ada", "--object-format=sha256")
    git(ada, "checkout", "-q", "--detach", "HEAD~")
    git(tmp_path, "clone", "-q", "--bare", str(ada), "bare")
    git(ada, "bundle", "create", "-q", str(tmp_path / "x.bundle"), "work")
    assert taken(tmp_path / "bare", tmp_path) == ({NAME: b"old\n"}, [])
    assert taken(tmp_path / "x.bundle", tmp_path) == ({NAME: TEXT}, [])


def test_objects_that_lie_elsewhere(tmp_path: Path) -> None:
    ada = repository(tmp_path / "ada")
    git(tmp_path, "clone", "-q", "--bare", "--shared", str(ada), "bare")
    with pytest.raises(Unusable, match="git cannot read it: "):
        taken(tmp_path / "bare", tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_repository_of_another_user(tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository(tmp_path / "ada")), "bare")
    for path in [tmp_path / "bare", *(tmp_path / "bare").rglob("*")]:
        os.chown(path, 1234, 1234)
    assert taken(tmp_path / "bare", tmp_path) == ({NAME: TEXT}, [])
