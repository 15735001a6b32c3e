"""Tokens."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.syntax.lexer import OPERATORS, lex, scan
from orchestrator.toolchains.ruchy.syntax.literals import int_value, string_value, template_value
from orchestrator.toolchains.ruchy.syntax.places import Places


def kinds(source: str) -> list[str]:
    return lex(source).kinds[:-1]


def test_every_operator_is_one_token():
    assert [[text for _, text in scan(f"{operator} ")] for operator in OPERATORS] == [[one] for one in OPERATORS]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("#!/usr/bin/env ruchy\na", ["name"]),
        ("a // b\n/// c\nd", ["name", "name"]),
        ("a // b", ["name"]),
        ("a # b", ["name"]),
        ("a /* b */ ", ["name"]),
        ("// a", []),
        ("a # b\n#[c]", ["name", "#[", "name", "]"]),
        ("a /* b /* c */ d */ e", ["name", "name"]),
        ("/*" * 9 + "*/" * 9 + "a '\"' /* b */ c" + "/*" * 7 + "*/" * 7, ["name", "char", "name"]),
        ("'a' '\\n' '\\'' '\\u{41}' 'é' ' '", ["char"] * 6),
        ("'' 'ab' 'name", ["string", "string", "lifetime"]),
        ("'a: b", ["lifetime", ":", "name"]),
        ("b'a' b", ["byte", "name"]),
        (r'r"\n" r#"a"b"# r##"c"#"## r', ["string", "string", "string", "name"]),
        ("1 0xFF 5i32 0xFFu8 1.5 1e5 1.5e-3", ["int"] * 4 + ["float"] * 3),
        ("1..2", ["int", "..", "int"]),
        ("t.0.1", ["name", ".", "float"]),
        ("x:i32", ["name", ":", "name"]),
        ("fun funny _ _a", ["fun", "name", "name", "name"]),
        ("a <-1", ["name", "<-", "int"]),
        ('f"" f"a"', ["fstring", "fstring"]),
        ('f"a{b:.2}c{d}e"', ["fopen", "name", "fmid", "name", "fclose"]),
        ('f"{{{a}}}"', ["fopen", "name", "fclose"]),
        ('f"{if a { 1 } else { 2 }}"', ["fopen", "if", "name", "{", "int", "}", "else", "{", "int", "}", "fclose"]),
        ('f"{a::b:?}"', ["fopen", "name", "::", "name", "fclose"]),
        ('f"\\u{41}{a}"', ["fopen", "name", "fclose"]),
    ],
)
def test_kinds(source, expected):
    tokens = lex(source)
    assert tokens.kinds == [*expected, "end"]
    assert tokens.findings == {}


def test_breaks_are_kept_where_the_grammar_reads_them_and_nowhere_else():
    assert lex("a\n(b)\n.c()\n  // d\n -e +\nf").breaks == [1, 8]
    assert lex("a /*\n*/ (b)").breaks == [1]
    assert lex("a (b)\n{ d }\nc\nlet x\n= 1;\ny").breaks == []
    assert lex("a\nb(c)\n'd'\nf\"{e}\"\n5\n~6").breaks == [1, 5, 6, 9, 10]


@pytest.mark.parametrize(
    ("source", "code", "offset", "length"),
    [
        ('"\\u{110000}"', "E0021", 1, 10),
        ('"ab\\u{D800}"', "E0021", 3, 8),
        ('"\\u{}"', "E0021", 1, 4),
        ('"\\u41"', "W0001", 1, 2),
        ('"a\\u{41"', "E0021", 2, 3),
        ("'\\u41'", "W0001", 1, 2),
        ("'\\q'", "W0001", 1, 2),
        ('f"\\u41{x}"', "W0001", 2, 2),
        ('"\\x41"', "W0001", 1, 2),
        ("18446744073709551616", "E0022", 0, 0),
        ("18446744073709551616u64", "E0022", 0, 0),
        ("9" * 5000, "E0022", 0, 0),
        ("0x" + "F" * 5000, "E0022", 0, 0),
        ("0b102", "E0027", 0, 0),
        ("a" * 256, "E0028", 0, 0),
        ("0x_", "E0027", 0, 0),
        ("12ab", "E0027", 0, 0),
        ("1.5f64", "E0027", 0, 0),
        ("€", "E0023", 0, 0),
        ("'", "E0025", 0, 0),
        ('f"a}b"', "E0026", 3, 1),
    ],
)
def test_what_is_wrong_inside_a_token(source, code, offset, length):
    ((finding,),) = lex(source).findings.values()
    assert (finding.code, finding.offset, finding.length) == (code, offset, length)


@pytest.mark.parametrize("source", ['"a', '"a\\"', 'f"a', 'f"{a', 'r"a', 'r#"a"', "/* a /* b */"])
def test_what_is_never_closed_is_the_last_token(source):
    assert lex(f"x {source}").kinds == ["name", "unclosed", "end"]
    assert lex(f"x {source}").texts == ["x", source, ""]


def test_a_source_is_its_gaps_and_tokens():
    source = '#!x\n  a /* b */ f"c{ d :.2}e" // f\n"g"'
    assert "".join(gap + text for gap, text in scan(source)) == source


def test_values():
    assert string_value(r'"a\n\t\\\"\0\u{1F600}\x"') == 'a\n\t\\"\0\U0001f600\\x'
    assert string_value(r'r"a\n"') == r"a\n"
    assert string_value('r#"a"b"#') == 'a"b'
    assert string_value(r"'\''") == "'"
    assert template_value(r"{{a}}\n") == "{a}\n"
    assert int_value("0xFFu8") == (255, "u8")
    assert int_value("18446744073709551615u64") == (2**64 - 1, "u64")


def test_places():
    source = 'let name = 1;\n  wide\n\n"tŵo\nlines" x'
    table = Places(source)
    found = [table.place(at) for at in range(8)]
    assert [(one.line, one.column, one.length) for one in found] == [
        (1, 1, 3), (1, 5, 4), (1, 10, 1), (1, 12, 1), (1, 13, 1), (2, 3, 4), (4, 1, 4), (5, 8, 1),
    ]  # fmt: skip
    assert found[5].text == "  wide"
    assert (table.place(8).line, table.place(99).column) == (5, 9)
    assert Places("").place(0).line == 1


def test_digests_leave_out_blanks_comments_and_places():
    first = lex('fun f() {\n  g(1) // c\n  (2)\n  f"{x}"\n}')
    second = lex('\n\nfun f( ) { g(1)\n(2)\nf"{ x }" }')
    assert first.digest(0, 99) == second.digest(0, 99)
    assert first.digest(0, 99) != lex('fun f() { g(1) (2) f"{x}" }').digest(0, 99)
    assert lex('"a" "b"').digest(0, 2) != lex('"a\0b"').digest(0, 2)
    assert lex('x "\0"').digest(0, 2) != lex('x "\0\0"').digest(0, 2)


def test_text_of_tokens_lexes_to_the_same_tokens():
    source = 'fun f() -> i64 { g(1)\n(2)\n-3 t.0.1 f"a{x:.2}b{{{y}" r#"z"# \'l\' a: b >> c }'
    tokens = lex(source)
    again = lex(tokens.text(0, len(tokens.texts) - 1))
    assert (again.kinds, again.texts, again.breaks) == (tokens.kinds, tokens.texts, tokens.breaks)
