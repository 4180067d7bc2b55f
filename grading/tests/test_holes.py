"""Tags of holes: what they derive, and every way to write one wrongly."""

from __future__ import annotations

import pytest

from gatehouse import holes

C = """\
int ready(void)
{
    //@ lab 2.3  One row of the table
    //@ becomes one gate. {
    idt[v] = gate();
    return 1;
    //@ } hole("2.3"); return 0;
}
"""
ASM = """\
door:
;@ lab 10.2  Ask the GS base itself. {
        mov     ecx, MSR_GS_BASE        ; it's in ecx
;@ } hole 10.2
        ret
"""


def test_span() -> None:
    (span,) = holes.parse(C, "a.c")
    assert (span.id, span.line, span.code, span.end) == ("2.3", 3, 5, 7)
    assert span.title == ("One row of the table", "becomes one gate.")
    assert span.call == 'hole("2.3"); return 0;'


def test_skeleton() -> None:
    assert holes.skeleton(C, "a.c") == """\
int ready(void)
{
    // LAB 2.3: One row of the table
    // becomes one gate.
    hole("2.3"); return 0;
}
"""
    assert holes.skeleton(ASM, "a.asm") == """\
door:
; LAB 10.2: Ask the GS base itself.
hole 10.2
        ret
"""


def test_solved() -> None:
    assert holes.solved(C, "a.c") == """\
int ready(void)
{
    // One row of the table
    // becomes one gate.
    idt[v] = gate();
    return 1;
}
"""
    assert "@" not in holes.solved(ASM, "a.asm")


def test_a_file_without_tags_derives_to_itself() -> None:
    for text in ("", "x", "x\n", "int a;\n\n"):
        assert holes.skeleton(text, "a.c") == holes.solved(text, "a.c") == text


def test_other_kinds_of_files_have_no_holes() -> None:
    assert holes.parse(C, "notes.md") == []
    assert holes.unfilled(holes.skeleton(C, "a.c"), "notes.md") == []


def test_unfilled() -> None:
    assert holes.unfilled(holes.skeleton(C, "a.c"), "a.c") == ["2.3"]
    assert holes.unfilled(holes.skeleton(ASM, "a.asm"), "a.asm") == ["10.2"]
    assert holes.unfilled(holes.solved(C, "a.c"), "a.c") == []
    assert holes.unfilled(holes.solved(ASM, "a.asm"), "a.asm") == []


@pytest.mark.parametrize("text", ['// hole("2.3");\n', '/* was:\n hole("2.3"); */\n', 'int manhole("2.3");\n',
                                  '// one \\\n hole("2.3");\n'])
def test_a_call_in_a_comment_is_filled(text: str) -> None:
    assert holes.unfilled(text, "a.c") == []


def test_a_call_behind_a_string_that_looks_like_a_comment() -> None:
    assert holes.calls('print("// no /* comment");\nhole ( "2.3" );', "a.c") == {"2.3": 2}
    assert holes.calls("db ';'\n hole 2.3 ; yes", "a.asm") == {"2.3": 2}


def test_a_commented_call_in_assembly_is_filled() -> None:
    assert holes.unfilled("; hole 10.2\n        nop ; hole 10.2\n", "a.asm") == []


def test_titles() -> None:
    assert holes.titles(holes.skeleton(C, "a.c"), "a.c") == {"2.3": (3, "One row of the table")}


@pytest.mark.parametrize(("path", "text", "line", "words"), [
    ("a.c", '//@ lab 1.1  A. {\n//@ lab 1.2  B. {\n//@ } hole("1.2");\n//@ } hole("1.1");', 2, "nested hole: 1.1"),
    ("a.c", 'x;\n//@ lab 1.1  A. {\ny;\n', 2, "hole 1.1 is never closed"),
    ("a.c", '//@ lab 1.1  A.\n//@ more', 1, "hole 1.1 is never closed"),
    ("a.c", '//@ lab 1.1  A.\nx;\n//@ } hole("1.1");', 2, "title of hole 1.1 never ends"),
    ("a.c", '//@ lab 1.1  A.\n//@ } hole("1.1");', 2, "a title goes on"),
    ("a.c", '//@ lab 1.1  A. {\n//@ } hole("1.2");', 2, "wrongly numbered hole: opened as 1.1 (line 1)"),
    ("a.c", '//@ lab 1.1  A. {\n//@ } return;', 2, 'closes with `//@ } hole("1.1");`'),
    ("a.asm", ';@ lab 1.1  A. {\n;@ } hole 1.10', 2, "closes with `;@ } hole 1.1`"),
    ("a.c", '//@ } hole("1.1");', 1, "never opened"),
    ("a.c", '//@ lab one  A. {', 1, "malformed tag"),
    ("a.c", '//@ lab 1.1 {', 1, "malformed tag"),
    ("a.c", '//@lab 1.1  A. {', 1, "malformed tag"),
    ("a.c", '//@ lab 1.1  A. {\n//@ }', 2, "malformed tag"),
    ("a.c", 'x; //@ lab 1.1  A. {', 1, "start of its line"),
    ("a.c", ';@ lab 1.1  A. {', 1, "marks holes with `//@`"),
    ("a.inc", '//@ lab 1.1  A. {', 1, "marks holes with `;@`"),
])
def test_mistakes(path: str, text: str, line: int, words: str) -> None:
    with pytest.raises(holes.HoleError) as caught:
        holes.parse(text, path)
    assert caught.value.line == line
    assert words in caught.value.text
