"""Submissions as they come: the names they have, and archives that mean no good."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from gatehouse.cohort import intake, members
from gatehouse.cohort.members import Unusable
from gatehouse.cohort.taking import take

WANTED = ["arch/x86_64/serial/serial.c"]
TEXT = b"int filled;\n"


def tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:            # type: ignore[call-overload]
        for member in members:
            info, content = ((member, b"") if isinstance(member, tarfile.TarInfo)
                             else (tarfile.TarInfo(member[0]), member[1]))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def taken(source: Path, tmp_path: Path) -> tuple[dict[str, bytes], list[str]]:
    out = take(source, WANTED, tmp_path / "taken")
    files = {path.relative_to(out.tree).as_posix(): path.read_bytes()
             for path in out.tree.rglob("*") if path.is_file()}
    return files, out.notes


@pytest.mark.parametrize("name, who", [
    ("ada", "ada"), ("ada.tar.gz", "ada"), ("ada.git", "ada"), ("ada.bundle", "ada"), ("ada.v2.zip", "ada.v2"),
    ("handin-lab03-ada-lovelace.tar.gz", "ada-lovelace"),
    ("Ada Lovelace_1234567_assignsubmission_file_", "Ada Lovelace"),
    ("Ada Lovelace_1234567_assignsubmission_file", "Ada Lovelace"),
    ("Ada_Lovelace_1234567_assignsubmission_file_handin-lab03-x.tar.gz", "Ada_Lovelace"),
    ("lovelaceada_12345_678901_handin-lab03-ada.tar.gz", "lovelaceada"),
    ("lovelaceada_LATE_12345_678901_handin-1.zip", "lovelaceada"),
])
def test_names(tmp_path: Path, name: str, who: str) -> None:
    (tmp_path / name).mkdir()
    assert [entry.student for entry in intake.entries(tmp_path)] == [who]


def test_the_last_of_several(tmp_path: Path) -> None:
    for number in (9, 10):
        (tmp_path / f"ada_1_{number}_x.zip").touch()
    entry, = intake.entries(tmp_path)
    assert entry.path.name == "ada_1_10_x.zip" and [path.name for path in entry.older] == ["ada_1_9_x.zip"]


@pytest.mark.parametrize("names, students", [
    (["Ada_1234567_assignsubmission_file_", "Ada_7654321_assignsubmission_file_"], ["Ada_1234567", "Ada_7654321"]),
    (["ada_1_10_x.zip", "ada_2_11_x.zip", "bob_3_12_x.zip"], ["ada_1", "ada_2", "bob"]),
])
def test_two_of_one_name_are_two(tmp_path: Path, names: list[str], students: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    assert [(entry.student, entry.older) for entry in intake.entries(tmp_path)] == [(who, ()) for who in students]


@pytest.mark.parametrize("names", [
    ["Ada_1_assignsubmission_onlinetext_", "Ada_1_assignsubmission_file_"],
    ["ada_1_11_photo.png", "ada_LATE_1_10_handin.tar.gz"],
    ["Ada_1_assignsubmission_file_notes.pdf", "Ada_1_assignsubmission_file_handin-lab03-ada.tar.gz"],
    ["handin-lab02-ada.tar.gz", "handin-lab03-ada.tar.gz"],
    ["ADA.ZIP"],
])
def test_of_what_one_student_handed_in_a_tree_is_judged(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("_") else (tmp_path / name).touch()
    entry, = intake.entries(tmp_path)
    assert (entry.path.name, [path.name for path in entry.older]) == (names[-1], names[:-1])
    assert not entry.student.lower().endswith(intake.ARCHIVES)


def test_the_lab_that_was_packed(tmp_path: Path) -> None:
    (tmp_path / "Ada_1_assignsubmission_file_").mkdir()
    (tmp_path / "Ada_1_assignsubmission_file_/handin-lab03-ada.tar.gz").touch()
    assert intake.labs_of(tmp_path) == {"03"}
    for name in ("bob_LATE_1_2_handin-lab04-bob-1.tar.gz", "handin-lab05-cy.tar.gz", "dan.zip"):
        (tmp_path / name).touch()
    (tmp_path / "eve/build").mkdir(parents=True)
    (tmp_path / "eve/build/handin-lab00-eve.tar.gz").touch()        # her own clone's, of another day
    assert intake.labs_of(tmp_path) == {"03", "04", "05"}


def test_odd_names_become_paths(tmp_path: Path) -> None:
    names = ["a\nb", "$(reboot)", "ä", "Ada", "ada", "'; rm", "x" * 200]
    for name in names:
        (tmp_path / name).mkdir()
    entries = intake.entries(tmp_path)
    slugs = [entry.slug for entry in entries]
    assert sorted(entry.student for entry in entries) == sorted(names)
    assert len({slug.lower() for slug in slugs}) == len(names)
    assert all(intake.SAFE.match(char) or char in "%~" for slug in slugs for char in slug)
    assert not any(slug.startswith(".") or len(slug) > intake.LONGEST for slug in slugs)


@pytest.mark.parametrize("inside", ["", "handin-ada/", "a/b/c/"])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tree_in_a_tar(tmp_path: Path, inside: str, mode: str) -> None:
    source = tar(tmp_path / "x", (f"{inside}{WANTED[0]}", TEXT), (f"{inside}README.md", b"?"), mode=mode)
    assert taken(source, tmp_path) == ({WANTED[0]: TEXT, "README.md": b"?"}, [])


def test_a_tree_in_a_zip_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    folder.mkdir()
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr(f"ada/{WANTED[0]}", TEXT)
    assert taken(folder, tmp_path) == ({WANTED[0]: TEXT}, [])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "ada"
    (top / WANTED[0]).parent.mkdir(parents=True)
    (top / WANTED[0]).write_bytes(TEXT)
    git = ["git", "-C", str(top), "-c", "user.name=x", "-c", "user.email=x"]
    for words in (["init", "-q", "-b", "work"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    return top


def test_repositories(tmp_path: Path, repository: Path) -> None:
    bare, bundle, headless = tmp_path / "bare.git", tmp_path / "a.bundle", tmp_path / "b.bundle"
    subprocess.run(["git", "clone", "-q", "--bare", repository, bare], check=True)
    subprocess.run(["git", "-C", repository, "bundle", "create", "-q", bundle, "--all"], check=True)
    subprocess.run(["git", "-C", repository, "bundle", "create", "-q", headless, "work"], check=True)
    for source in (repository, bare, bundle, headless):
        assert taken(source, tmp_path) == ({WANTED[0]: TEXT}, [])


def test_a_repository_that_names_programs(tmp_path: Path, repository: Path) -> None:
    bare, proof = tmp_path / "bare.git", tmp_path / "proof"
    subprocess.run(["git", "clone", "-q", "--bare", repository, bare], check=True)
    with (bare / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = touch {proof}\n\tsshCommand = touch {proof}\n[uploadpack]\n'
                     f'\tpackObjectsHook = touch {proof}\n')
    for hook in ("post-checkout", "pre-receive"):
        (bare / "hooks").mkdir(exist_ok=True)
        (bare / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {proof}\n")
        (bare / "hooks" / hook).chmod(0o755)
    assert taken(bare, tmp_path)[0] == {WANTED[0]: TEXT}
    assert not proof.exists()


@pytest.mark.parametrize("member, note", [
    (("/etc/gatehouse-test", b"!"), "leads out of the tree"),
    (("a/../../../escaped", b"!"), "leads out of the tree"),
    (special("passwd", tarfile.SYMTYPE, "/etc/passwd"), "a link"),
    (special("hard", tarfile.LNKTYPE, "/etc/passwd"), "a link"),
    (special("zero", tarfile.CHRTYPE), "no regular file"),
    (special("pipe", tarfile.FIFOTYPE), "no regular file"),
])
def test_what_is_no_file_of_the_tree(tmp_path: Path, member: tarfile.TarInfo | tuple[str, bytes], note: str) -> None:
    found, notes = taken(tar(tmp_path / "x.tar", (WANTED[0], TEXT), member), tmp_path)
    assert found == {WANTED[0]: TEXT}
    assert len(notes) == 1 and note in notes[0]
    assert not Path("/etc/gatehouse-test").exists() and not list(tmp_path.rglob("escaped"))


def test_names_that_are_no_names(tmp_path: Path) -> None:
    names = ["a\nb.c", "it's \"quoted\".c", "$(touch x).c", "-rf", "\x1b[31mred"]
    found, notes = taken(tar(tmp_path / "x.tar", (WANTED[0], TEXT), *((name, b"") for name in names)), tmp_path)
    assert set(found) == {WANTED[0], *names} and not notes


def test_a_link_through_which_to_write(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    source = tar(tmp_path / "x.tar", special("arch", tarfile.SYMTYPE, str(outside)), (WANTED[0], TEXT))
    assert taken(source, tmp_path)[0] == {WANTED[0]: TEXT}
    assert not list(outside.iterdir())


def test_a_large_file(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    (folder / WANTED[0]).parent.mkdir(parents=True)
    (folder / WANTED[0]).write_bytes(TEXT)
    with (folder / "movie").open("wb") as file:
        file.truncate(1 << 30)
    found, notes = taken(folder, tmp_path)
    assert set(found) == {WANTED[0]} and "movie: 1073741824 bytes, more than 1 MiB" in notes[0]


def bomb_of_zeroes(path: Path) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo(WANTED[0])
        info.size = members.READ_MOST + 1
        archive.addfile(info, open("/dev/zero", "rb"))
    return path


def bomb_of_names(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(members.ENTRIES_MOST + 1):
            archive.writestr(f"{number}", b"")
    return path


def a_zip_that_lies(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WANTED[0], bytes(8 << 20))
    data = path.read_bytes()
    path.write_bytes(data.replace((8 << 20).to_bytes(4, "little"), (16).to_bytes(4, "little")))
    return path


def a_header_of_a_gigabyte(path: Path) -> Path:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 8 << 30
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    with path.open("r+b") as file:
        file.truncate(9 << 30)
    return path


def a_tar_with_a_gigabyte(path: Path) -> Path:
    info = tarfile.TarInfo("movie")
    info.size = 1 << 30
    tar(path, (WANTED[0], TEXT), mode="w")
    content = path.read_bytes()
    path.write_bytes(content[:1024] + info.tobuf())
    os.truncate(path, 1 << 30)
    return path


def a_zip_with_a_gigabyte(path: Path) -> Path:
    """Of zeroes: a megabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(WANTED[0], TEXT)
        with archive.open("movie", "w", force_zip64=True) as file:
            for _ in range(1 << 10):
                file.write(bytes(1 << 20))
    return path


def a_repository_of(path: Path, size: int) -> Path:
    (path / WANTED[0]).parent.mkdir(parents=True)
    (path / WANTED[0]).write_bytes(TEXT)
    (path / "movie").touch()
    os.truncate(path / "movie", size)
    git = ["git", "-C", str(path), "-c", "core.looseCompression=1", "-c", "core.bigFileThreshold=1m",
           "-c", "user.name=x", "-c", "user.email=x"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["clone", "-q", "--bare", ".", f"{path}.git"]):
        subprocess.run([*git, *words], check=True)
    return path


def test_a_large_file_in_a_repository(tmp_path: Path) -> None:
    tree = a_repository_of(tmp_path / "x", members.READ_MOST + (1 << 20))
    found, notes = taken(tree, tmp_path)
    assert set(found) == {WANTED[0]} and "movie: 269484032 bytes, more than 1 MiB" in notes[0]
    with pytest.raises(Unusable, match="unpacks to more than 256 MiB"):
        taken(Path(f"{tree}.git"), tmp_path)


def test_a_large_hole(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    (folder / WANTED[0]).parent.mkdir(parents=True)
    (folder / WANTED[0]).touch()
    os.truncate(folder / WANTED[0], 1 << 30)
    found, notes = taken(folder, tmp_path)
    assert not found and f"{WANTED[0]}: 1073741824 bytes, more than 1 MiB; left out" in notes


@pytest.mark.parametrize("make, reason", [
    (a_tar_with_a_gigabyte, "unpacks to more than 256 MiB"), (a_zip_with_a_gigabyte, "unpacks to more than 256 MiB"),
    (bomb_of_zeroes, "unpacks to more than 256 MiB"), (bomb_of_names, "more than 20000 entries"),
    (a_zip_that_lies, "cannot be read"), (a_header_of_a_gigabyte, "takes more to unpack than"),
    (lambda path: tar(path, ("notes.txt", b"")), "has no arch/x86_64/serial/serial.c .*it holds notes.txt"),
    (lambda path: tar(path), "it is empty"),
    (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)) and path, "x is a zip file that was cut off"),
    (lambda path: path.write_bytes(b"# v2 git bundle\nrubbish") and path, "git cannot read it"),
    (lambda path: path.write_text("int main") and path, "no folder, tar, zip or git bundle"),
    (lambda path: os.symlink("/etc", path) or path, "symbolic link"),
    (lambda path: os.mkfifo(path) or path, "neither a folder nor a regular file"),
])
def test_unusable(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        taken(make(tmp_path / "x"), tmp_path)
