"""Diagnostics of the parser: codes, places, recovery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.codes import all_codes
from orchestrator.toolchains.ruchy.syntax.parser import parse
from tests.orchestrator.toolchains.ruchy.syntax.sketch import errors

CODES = all_codes()

SUITE = next(parent for parent in Path(__file__).parents if parent.name == "tests") / "conformance"
ASKED = [
    path for path in sorted((SUITE / "errors").glob("*.err.json"))
    if json.loads(path.read_text())["kind"] in ("syntax", "unsupported")
    and path.name != "integer-too-large.err.json"  # its type decides, and the checker knows it
]  # fmt: skip


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.name.split(".")[0])
def test_the_suites_errors(path):
    asked = json.loads(path.read_text())
    first, *_ = parse(path.with_name(path.name.replace(".err.json", ".ruchy")).read_text()).diagnostics
    assert (CODES[first.code].kind, first.line) == (asked["kind"], asked["line"])
    shown = f"{first.message} {first.text} {first.hint}".lower()
    assert all(word.lower() in shown for word in asked["must_mention"])


@pytest.mark.parametrize("folder", ["single", "traps", "projects"])
def test_the_suites_programs_parse(folder):
    paths = sorted((SUITE / folder).rglob("*.ruchy"))
    assert len(paths) > 10
    for path in paths:
        found = parse(path.read_text())
        assert found.module is not None, (path.name, found.diagnostics)
        assert {one.code for one in found.diagnostics} <= {"W0001"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("fun f(", [("E0011", 1, 7)]),
        ("fun f() {", [("E0002", 1, 10)]),
        ("fun f() { } }\nfun g() { }", [("E0009", 1, 13)]),
        ("foo(1, 2\nbar()", [("E0002", 1, 9)]),
        ("let a = [1, 2\nlet b = 3", [("E0002", 1, 14)]),
        ("let x: = 1", [("E0012", 1, 8)]),
        ("let match = 1", [("E0010", 1, 5)]),
        ("fun (x) { }; fun { }", [("E0013", 1, 18)]),
        ("1 = x", [("E0014", 1, 3)]),
        ("pub 5", [("E0015", 1, 5)]),
        ("mod m { 5 }", [("E0015", 1, 9)]),
        ("if x", [("E0016", 1, 5)]),
        ('f"{}"', [("E0026", 1, 4)]),
        ('f"{a"', [("E0026", 1, 5)]),
        ('f("{a}", f"{g(1, "x")}")', [("E0026", 1, 18)]),  # a text in a hole: one error, not one for each stumble
        ("f('it is', 2);\ng('not one word')", [("E0025", 1, 3), ("E0025", 2, 3)]),
        ("if a { b } -1\nwhile a { } -1", []),  # what has no value is not subtracted from
        ("a /* b", [("E0024", 1, 3)]),
        ("x = 1 € 2", [("E0023", 1, 7)]),
        ("x = €", [("E0023", 1, 5)]),
        ("loop { let f = || break }", [("E0007", 1, 19)]),
        ("mixin A { }\nmixin B { }", [("E0705", 1, 1), ("E0705", 2, 1)]),
        ("static X: i64 = 1;", [("E0707", 1, 1)]),
        ("sql!(SELECT 1)", [("E0708", 1, 1)]),
        ("let o = {...a, b: 1}", [("E0709", 1, 10)]),
        ("f(:done)", [("E0710", 1, 3)]),
        ("yield 1", [("E0711", 1, 1)]),
        ("fun f() invariant x > 1 { }", [("E0711", 1, 9)]),
        ("fun f() { while x requires x > 1 { } }", [("E0711", 1, 19)]),
        ("struct P { x: i64, invariant x > 1 }", [("E0711", 1, 20)]),
        ("struct P { x: i64 } invariant x > 1", [("E0711", 1, 21)]),
        ("fun f() requires x > 1, { }", [("E0016", 1, 23)]),
        ("null", [("E0712", 1, 1)]),
        ("i++", [("E0714", 1, 2)]),
        ("fun f() { let x: impl Show = 1; }", [("E0715", 1, 18)]),
        ("a <- b", [("E0701", 1, 3)]),
        ("a !b", [("E0701", 1, 3)]),
        ('"\\q"', [("W0001", 1, 2)]),
    ],
)
def test_places(source, expected):
    assert errors(source) == expected


def test_several_errors_in_one_run_and_none_that_follows_from_another():
    source = """\
fun one() {
    let x = ;
    let y = 3 +;
    foo(;
    let fine = 1;
}
fun two(a: i64 -> i64 {
    a
}
struct S { a i64 }
fun three() {
    if x { foo( }
    for i of 3 { }
}
let = 3
fun four() { ok() }
"""
    assert errors(source) == [
        ("E0003", 2, 13), ("E0003", 3, 16), ("E0003", 4, 9), ("E0002", 7, 16), ("E0001", 10, 14), ("E0003", 12, 17),
        ("E0006", 13, 11), ("E0011", 15, 5),
    ]  # fmt: skip


def test_a_quote_missing_in_the_middle_is_shown_where_it_is_missing():
    source = 'fun f() {\n    a("one);\n    b("two");\n}\n'
    (found,) = parse(source).diagnostics
    assert (found.code, found.line, found.column) == ("E0020", 2, 7)


def test_a_diagnostic_shows_its_line_and_says_what_to_do():
    (found,) = parse("fun f() {\n    let count;\n}").diagnostics
    assert (found.line, found.column, found.length, found.text) == (2, 5, 3, "    let count;")
    assert found.hint == "write `let count = ...`"
    assert (found.file, found.module, found.severity) == ("text", "", "error")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("def main() { f(); }", "a function begins with `fun`"),
        ("function main() { f(); }", "a function begins with `fun`"),
        ("test adds() { f(); }", "write `#[test] fun adds() { .. }`"),
        ("int x = 5;", "write `let x = ...`"),
        ("let x := 5;", "write `let x = ...`"),
        ("let x: i64;", "write `let x = ...`"),
        ("if a { f() } elif b { g() } else { h() }", "write `else if`"),
        ("for (let i = 0; i < 5; i++) { f(i); }", "write `for i in 0..n { .. }`"),
        ("f(a b)", "add `,`"),
        ("f('hello world')", 'write "..."'),
        ("fun f( { }", "add `)`"),
    ],
)
def test_what_comes_from_other_languages_gives_one_error_with_its_cure(source, hint):
    assert [found.hint for found in parse(source).diagnostics] == [hint]


def test_every_code_has_an_entry():
    ranges = {
        "syntax": "00", "name": "01", "type": "02", "arity": "03", "return": "04", "import": "05", "duplicate": "06",
        "unsupported": "07", "project": "08", "internal": "09",
    }  # fmt: skip
    other = ("E1", "W1")  # Those of other languages' toolchains.
    for code, entry in CODES.items():
        if code.startswith(other):
            continue
        assert entry.code == code
        assert code.startswith("W0" if entry.kind == "warning" else f"E{ranges[entry.kind]}"), code
        assert entry.title and entry.explanation.endswith(".")


def test_step_operators_before_a_number():
    assert [one.code for one in parse("let x = ++ 5; println(-- 5.0)").findings] == ["E0714", "E0714"]
