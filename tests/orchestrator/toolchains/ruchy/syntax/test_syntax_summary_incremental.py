"""A summary that takes over what it can from an earlier one is the summary that reads everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from actors.compiler.toolchain import Item, SummariseJob, Summary
from orchestrator.toolchains.ruchy.summary import incremental
from orchestrator.toolchains.ruchy.summary.incremental import summarise_incrementally
from orchestrator.toolchains.ruchy.summary.memo import line_of
from orchestrator.toolchains.ruchy.summary.summarise import summarise
from orchestrator.toolchains.ruchy.syntax.lexer import lex
from orchestrator.toolchains.ruchy.syntax.parser import parse
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.top import TOP, statement_runs

SUITE = next(parent for parent in Path(__file__).parents if parent.name == "tests") / "conformance"
PROGRAMS = [
    path.read_text() for folder in ("single", "traps", "projects") for path in (SUITE / folder).rglob("*.ruchy")
]
VALID = [source for source in PROGRAMS if parse(source).module is not None]

TEXTS = [
    "fun a() { b(1) }",
    "pub fun b(x: i64 = c::d()) -> i64 { if x > 1 { \"}\" } else { '}' } }",
    "#[inline]\n// here\npub fun\nc(a: Wide,\n  b) -> i64 {\n  x; y; f\"{z}\n {w}\"\n}",
    "fun d(\n) {\n  use p::q as r; use s::*;\n  r(1)\n}",
    "use a::b;",
    "use a::{b, c as d};",
    "pub use super::x::*;",
    "struct S { a: Wide,\n  b: i64 = far() }",
    "struct T;",
    "struct U(i64);",
    "enum E { A, B(Ring), C { d: i64 } }",
    "mod m {\n  use super::z;\n  pub fun f() { a::b(); h() }\n  mod n { fun g() { x } use crate::k::l; }\n}",
    "pub mod o {\n fun main() { y }\n}",
    "mod p;",
    "const K: i64 = x::y;",
    "type X = [Ring];",
    "fun main() { x + z }",
    "let x: Wide = 1;",
    "let (y, z) = (2,\n 3);",
    "let z = x\n  + q;",
    "println(1, r::s);",
    "println(\"a\n\n b\") ;",
    "if x { w }",
    "{ let x = 1; x }",
    "(1 + 2);",
    ";",
    "impl S { fun f(&self) { g({ 1 }) } }",
    "fun a() { c }",
    "é()",
    "fun deep() { {{{{{{{{{{ 1 }}}}}}}}}} }",
    "import a.b",
    "fun broken( {",
]  # fmt: skip
PLAIN = [text for text in TEXTS[:-6] if text != ";"]
GAPS = ["\n", "\n\n", " ", " // } é\n", "\n/* { /* } */ \n*/\n", "\n# {\n"]


def whole(source: str, module: str = "shapes/circle", before: Summary | None = None) -> Any:
    return summarise(SummariseJob(module=module, path="p.ruchy", source=source.encode(), before=before))


def check(source: str, before: Summary, module: str = "shapes/circle") -> bool:
    """That the short way gives what the long one gives; whether it was taken."""
    expected = whole(source, module)
    assert whole(source, module, before) == expected
    found = summarise_incrementally(module, source, before)
    assert found is None or found == expected.summary
    return found is not None


modules = st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(GAPS)), max_size=9)
plain_modules = st.lists(
    st.tuples(st.sampled_from(PLAIN), st.sampled_from(GAPS)), min_size=2, max_size=9, unique_by=lambda pair: pair[0]
)


def text_of(pieces: list[tuple[str, str]]) -> str:
    return "".join(text + gap for text, gap in pieces)


@pytest.mark.slow
@given(plain_modules | modules, st.data())
@settings(max_examples=120, deadline=None)
def test_any_edit_of_any_module(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    before = whole(text_of(pieces)).summary
    if before is None:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(pieces)))
        edit = data.draw(st.sampled_from(["insert", "remove", "replace", "swap", "comment", "text"]))
        here = {text for text, _ in pieces}
        others = st.sampled_from([text for text in PLAIN if text not in here])
        new = (data.draw(others | others | others | st.sampled_from(TEXTS)), data.draw(st.sampled_from(GAPS)))
        if edit == "insert":
            pieces = [*pieces[:at], new, *pieces[at:]]
        elif edit == "remove":
            pieces = [*pieces[:at], *pieces[at + 1 :]]
        elif edit == "replace":
            pieces = [*pieces[:at], new, *pieces[at + 1 :]]
        elif edit == "swap":
            pieces = [*pieces[at:], *pieces[:at]]
        elif edit == "comment":
            pieces = [("", data.draw(st.sampled_from(GAPS))), *pieces]
        elif pieces:
            text, gap = pieces[at - 1]
            cut = data.draw(st.integers(0, len(text)))
            noise = data.draw(st.sampled_from(["", " ", "\n", "x", "}", ";", '"', "\n\n+ 1", "/*", "é"]))
            pieces = [*pieces[: at - 1], (text[:cut] + noise + text[cut:], gap), *pieces[at:]] if at else pieces
    event(f"taken: {check(text_of(pieces), before)}")


@pytest.mark.slow
@given(plain_modules, plain_modules)
@settings(max_examples=40, deadline=None)
def test_an_earlier_summary_of_something_else(pieces: list[tuple[str, str]], others: list[tuple[str, str]]) -> None:
    source = text_of(pieces)
    for module in ("shapes/circle", "circle"):
        before = whole(text_of(others), module).summary
        if before is not None:
            check(source, before)
            check(source, before, "shapes/square")


FIELDS = list(Item.__struct_fields__)


@pytest.mark.slow
@given(plain_modules, st.data())
@settings(max_examples=80, deadline=None)
def test_a_damaged_earlier_summary(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    source = text_of(pieces)
    before = whole(source).summary
    if before is None or not before.items:
        return
    items = list(before.items)
    index = data.draw(st.integers(0, len(items) - 1))
    other = data.draw(st.sampled_from(items))
    kind = data.draw(st.sampled_from(["field", "drop", "order", "memo", "cut"]))
    item = items[index]
    if kind == "field":
        name = data.draw(st.sampled_from(FIELDS))
        items[index] = msgspec.structs.replace(item, **{name: getattr(other, name)})
    elif kind == "drop":
        del items[index]
    elif kind == "order":
        items[index], items[0] = items[0], items[index]
    elif kind == "memo" and item.memo:
        at = data.draw(st.integers(0, len(item.memo) - 1))
        flipped = item.memo[at] ^ (1 << data.draw(st.integers(0, 7)))
        memo = item.memo[:at] + bytes([flipped]) + item.memo[at + 1 :]
        items[index] = msgspec.structs.replace(item, memo=memo)
    else:
        items[index] = msgspec.structs.replace(item, memo=item.memo[: data.draw(st.integers(0, len(item.memo)))])
    damaged = msgspec.structs.replace(before, items=tuple(items))
    check(source, damaged)
    check("\n" + source, damaged)


@pytest.mark.slow
def test_every_program_after_an_edit_of_each_kind() -> None:
    taken = 0
    for source in VALID:
        before = whole(source).summary
        if before is None:
            continue
        check(source, before)
        taken += check("// c\n" + source.replace("{", "{ \n", 1), before)
    assert taken > len(VALID) // 4


# ------------------------------------------------------------------------------------------------ what is read


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were lexed for taking over the rest."""
    texts: list[str] = []
    real = incremental.scan

    def noted(source: str) -> Any:
        texts.append(source)
        return real(source)

    monkeypatch.setattr(incremental, "scan", noted)
    return texts


def test_one_edited_function_is_all_that_is_read(read: list[str]) -> None:
    functions = [f"fun f{i}(a: i64) -> i64 {{\n    g{i}::h(a)\n}}\n" for i in range(5)]
    before = whole("".join(functions)).summary
    edited = [*functions]
    edited[2] = edited[2].replace("(a)", "(\n\n a + x)")
    assert check("// above\n" + "".join(edited), before)
    assert read == [edited[2].rstrip()] * 2  # `check` summarises twice


def test_a_comment_reads_nothing_and_moves_everything(read: list[str]) -> None:
    source = "fun f() -> i64 { a::b() }\nmod m { pub fun g() { c::d() } }\n"
    before = whole(source).summary
    assert check("// é\n\n/* */ " + source, before)
    assert read == []
    moved = summarise_incrementally("shapes/circle", "// é\n\n/* */ " + source, before)
    assert moved is not None
    assert [(one.name, one.line, one.column) for one in moved.names if "::" in one.name] == [
        ("a::b", 3, 24),
        ("c::d", 4, 23),
    ]
    assert [(item.name, item.line) for item in moved.items] == [("f", 3), ("m", 4), ("m::g", 4)]


def test_what_did_not_move_is_the_same_object() -> None:
    before = whole("fun f() -> i64 { 1 }\nfun g() -> i64 { 2 }").summary
    after = whole("fun f() -> i64 { 1 }\nfun g() -> i64 { 3 }", before=before).summary
    assert after.items[0] is before.items[0]


def test_statements_are_read_each_time_and_items_between_them_are_not(read: list[str]) -> None:
    source = "let x = 1;\nfun f() -> i64 { x }\nprintln(f());\nfun g() -> i64 { y }\nprintln(x)"
    before = whole(source).summary
    assert check(source.replace("{ y }", "{ x }"), before)
    assert read[0] == "let x = 1;\n\n;\nprintln(f());\n\n;\nfun g() -> i64 { x }\nprintln(x)"


@pytest.mark.parametrize(
    "source",
    [
        "fun f() -> i64 { 1 }\nfun f() -> i64 { 2 }\nfun g() -> i64 { 1 }",
        "struct S { a: i64 }\nimpl S { fun f() { 1 } }\nfun g() -> i64 { 1 }",
        "mod m { struct S; }\nimpl m::S { fun f() { 1 } }\nfun g() -> i64 { 1 }",
        "mod m { fun f() { } }\nmod m { fun f() { } }\nfun g() -> i64 { 1 }",
    ],
)
def test_what_is_not_plain_is_read_whole(source: str) -> None:
    for before in (whole(source).summary, whole("fun g() -> i64 { 1 }").summary):
        if before is not None:
            assert not check(source, before)
            assert check("fun g() -> i64 { 1 }", whole("fun g() -> i64 { 1 }").summary)
            check("struct S { a: i64 }\nfun f() -> i64 { 1 }\nmod m { fun f() { } }", before)


# ------------------------------------------------------------------------------------------------ lines


@pytest.mark.parametrize("source", VALID[::4])
def test_the_lines_of_tokens(source: str) -> None:
    summary = whole(source).summary
    if summary is None:
        return
    places, tokens, module = Places(source), lex(source), parse(source).module
    assert module is not None
    offsets = [places.offset(at) for at in range(len(tokens.kinds) - 1)]
    for item in summary.items:
        if item.name == TOP:
            inside = [at for run in statement_runs(module.body, tokens) for at in range(*run)]
        elif item.code:
            inside = [at for at, offset in enumerate(offsets) if item.start <= offset < item.stop]
        else:
            continue
        assert [line_of(item, ordinal) for ordinal in range(len(inside))] == [places.line(at) for at in inside]


def test_the_lines_of_a_long_item() -> None:
    source = "#[a]\n\npub\nfun f() {\n" + "x " * 300 + '\n"a\n\nb" +\n y' + "\n" * 300 + "+ z\n}"
    (item,) = whole(source).summary.items
    assert item.line == 4
    places = Places(source)
    lines = [line_of(item, at) for at in range(len(lex(source).kinds) - 1)]
    assert lines == [places.line(at) for at in range(len(lines))]
    assert (lines[0], lines[-1]) == (1, source.count("\n") + 1)


def test_an_item_without_a_memo_has_no_lines() -> None:
    assert line_of(Item(name="f", kind="function", public=False, digest="", line=3), 2) == 0
