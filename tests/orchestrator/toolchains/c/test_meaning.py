"""Which texts mean the same to a C compiler."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.c.meaning import (
    MeaningNote,
    counts_lines,
    may_reuse,
    meaning,
    note_of,
    with_note,
    without_note,
)

EMPTY = b"\0asm\1\0\0\0"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int x; // a\nint y;", "int x; // b, and more\nint y;"),
        ("int /* one */ x;", "int /* another\tone */ x;"),
        ("int   x;\t", "  int x;"),
        ('char *s = "// no comment"; // a', 'char *s = "// no comment";'),
        ("char c = '\"'; // a\nint y;", "char c = '\"'; // b\nint y;"),
        ("int x; /* a\n b */ int y;\nint z;", "int x; /* other\n words */ int y;\nint z;"),
        ("if (a < b) x(); // a", "if (a < b) x(); /* b */"),
    ],
)
def test_comments_and_blanks_mean_nothing(one: str, other: str) -> None:
    for lines in (True, False):
        assert meaning(one.encode(), lines=lines) == meaning(other.encode(), lines=lines)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int x;\nint y;", "int x;\n// a comment of its own\n\nint y;"),
        ("int x; /* a */ int y;", "int x; /* a\n */ int y;"),
        ("int x;\r\nint y;", "int x;\n\n\nint y;"),
    ],
)
def test_lines_count_only_where_they_are_asked_for(one: str, other: str) -> None:
    assert meaning(one.encode(), lines=False) == meaning(other.encode(), lines=False)
    assert meaning(one.encode(), lines=True) != meaning(other.encode(), lines=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int x = 1;", "int x = 2;"),
        ('char *s = "a  b";', 'char *s = "a b";'),
        ('char *s = "/* a */";', 'char *s = "/* b */";'),
        ('char *s = "a\\\n  b";', 'char *s = "a\\\nb";'),
        ('char *s = "a\\\n\nb";', 'char *s = "a\\\nb";'),
        ("#define F (x)", "#define F(x)"),
        ("#define F /**/ (x)", "#define F(x)"),
        ("#define F \\\n\nfoo", "#define F \\\nfoo"),
        ("#define F 1 /* \n */ + 2", "#define F 1 \n + 2"),
        ("int a; // \\\nint b;", "int a;\nint b;"),
        ("int a; // \\ \n/*\nint b;\n/**/", "int a; // \\ \n/*\nint c;\n/**/"),
        ("int n = 1'0; char c = '\"'; char *s = \"x//a\";", "int n = 1'0; char c = '\"'; char *s = \"x//b\";"),
        ('auto s = R"(a//b)";', 'auto s = R"(a//c)";'),
        ('auto s = R"(a\n\nb)";', 'auto s = R"(a\nb)";'),
        ("#include <a//b>", "#include <a//c>"),
        ("int a; /\\\n* b */", "int a; /\\\n* c */"),
        ('char *s = "a\vb";', 'char *s = "ab";'),
        ("a b", "ab"),
        ("a\nb", "a b"),
    ],
)
def test_tokens_and_what_is_hard_to_read_count(one: str, other: str) -> None:
    for lines in (True, False):
        assert meaning(one.encode(), lines=lines) != meaning(other.encode(), lines=lines)


def test_what_asks_for_lines_is_known() -> None:
    assert counts_lines([b"int x;", b"assert(x);"]) and not counts_lines([b"asserts(x);"])
    assert may_reuse(["-Wall", "-O2"]) and not may_reuse(["-fsanitize=undefined"]) and not may_reuse(["-g3"])


def test_a_note_is_no_part_of_the_object() -> None:
    note = MeaningNote("m" * 64, True, {"": "d" * 64})
    noted = with_note(EMPTY, note)
    assert note_of(noted) == note and without_note(noted) == EMPTY
    assert note_of(EMPTY) is None and without_note(EMPTY) == EMPTY
