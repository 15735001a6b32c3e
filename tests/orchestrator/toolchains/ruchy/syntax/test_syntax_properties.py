"""What holds for every input."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.compiler.toolchain import SummariseJob
from actors.diagnostics import LONGEST_LINE
from orchestrator.toolchains.ruchy.summary.summarise import summarise
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, OPERATORS, SENSITIVE, lex, scan
from orchestrator.toolchains.ruchy.syntax.parser import outline, parse, parse_item
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.split import items_by_parser, split

SUITE = next(parent for parent in Path(__file__).parents if parent.name == "tests") / "conformance"
PROGRAMS = [
    path.read_text() for folder in ("single", "traps", "projects") for path in (SUITE / folder).rglob("*.ruchy")
]
VALID = [source for source in PROGRAMS if parse(source).module is not None]

TOKENS = st.sampled_from(
    [*sorted(KEYWORDS), *OPERATORS,
     "a", "b", "C", "_", "self", "1", "2.5", '"s"', "'c'", "'l", 'f"x{', '}y"', ":?}z{", "\n",
     "b'x'", 'r"r"', '"', "/*", "*/", "//", "#", "\\u{41}", "é", "\0", "println!", "vec!", "0x", "1_0"]
)  # fmt: skip
SOUP = st.lists(TOKENS, max_size=60).map(" ".join) | st.lists(TOKENS, max_size=60).map("".join) | st.text(max_size=80)


def everything(source: str) -> None:
    parsed = parse(source)
    assert (parsed.module is None) == any(found.severity == "error" for found in parsed.diagnostics)
    lines = source.split("\n")
    for found in parsed.diagnostics:
        assert 1 <= found.line <= len(lines)
        line = lines[found.line - 1]
        assert found.cut == 0 or len(line) > LONGEST_LINE
        assert found.text == line[found.cut : found.cut + LONGEST_LINE]
        assert 1 <= found.column - found.cut <= len(found.text) + 1
        assert found.length >= 1
        assert found.message
    parse_item(source)
    split(source)
    if "\ud800" <= max(source, default="a") <= "\udfff":
        return
    told = summarise(SummariseJob(module="m", path="m.ruchy", source=source.encode("utf-8", "replace")))
    assert (told.summary is None) == bool(told.diagnostics)


@given(SOUP)
@settings(max_examples=70, deadline=None)
def test_any_text_gives_a_tree_or_errors(source):
    everything(source)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_program_with_a_hole_in_it_gives_a_tree_or_errors(data):
    source = data.draw(st.sampled_from(VALID))
    start = data.draw(st.integers(0, len(source)))
    stop = data.draw(st.integers(start, min(len(source), start + 40)))
    everything(source[:start] + data.draw(st.sampled_from(["", "}", "(", '"', "let", "1", "{"])) + source[stop:])


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_equal_tokens_parse_to_equal_trees_whatever_stands_between_them(data):
    source = data.draw(st.sampled_from(VALID))
    tokens = lex(source)
    random = data.draw(st.randoms(use_true_random=False))
    parts: list[str] = []
    inside = 0  # an f-string, which has no room for comments
    for at, text in enumerate(tokens.texts[:-1]):
        if tokens.kinds[at] in ("fmid", "fclose"):
            inside -= 1
        if at in tokens.breaks:
            gap = random.choice(["\n", "\n  ", " \n\n", " /*\n*/\n"] if not inside else ["\n"])
        elif inside or text in SENSITIVE:
            gap = random.choice([" ", "  ", "\t"])
        else:
            gap = random.choice([" ", "\n", " // c\n", " /* a /* b */ */", " # x\n", "\t"])
        parts += [gap, text]
        inside += tokens.kinds[at] in ("fopen", "fmid")
    again = "".join(parts)
    other = lex(again)
    assert (other.kinds, other.texts, other.breaks) == (tokens.kinds, tokens.texts, tokens.breaks)
    assert other.digest(0, len(other.texts)) == tokens.digest(0, len(tokens.texts))
    assert parse(again).module == parse(source).module


@given(SOUP)
@settings(max_examples=70, deadline=None)
def test_gaps_and_tokens_are_the_source(source):
    pairs = scan(source)
    text = "".join(gap + token for gap, token in pairs)
    if "/*" not in source:
        assert source.startswith(text)
        assert scan(source[len(text) :]) == []
    table = Places(source)
    offsets = [table.offset(at) for at in range(len(pairs))]
    assert offsets == sorted(offsets)


ITEMS = [
    "fun a() { }",
    "pub fun b(x: i64 = 1) -> i64 { if x > 1 { \"}\" } else { '}' } }",
    "use a::b;",
    "use a::{b, c as d};",
    "use x::*",
    "struct S;",
    "pub struct T { a: i64, }",
    "struct U(i64);",
    "enum E { A, B(i64), C { d: i64 } }",
    "impl S { fun f(&self) { g({ 1 }) } }",
    "mod m { pub fun f() { } }",
    "mod n;",
    "const K: i64 = 2;",
    'const L = "a;b";',
    "type X = [i64];",
    "#[test] fun t() { }",
    'pub(crate) fun v() { f"{x}" }',
    "const M = { 1 };",
    "println(1);",
    "let x = 1",
    "fun deep() { {{{{{{{{{{ 1 }}}}}}}}}} }",
    "import a.b",
    'fun r() { r#"}"# } ',
    "fun c() { b'{' }",
    "fun d<T>(x: T) { x }",
]


@given(
    st.lists(st.sampled_from(ITEMS), max_size=8),
    st.sampled_from(["\n", " ", " // }\n", "\n/* { /* } */ */\n", "\n# {\n"]),
)
@settings(max_examples=30, deadline=None)
def test_splitting_by_the_pattern_is_splitting_by_the_parser(items, gap):
    source = gap.join(items)
    if parse(source).module is not None:
        assert split(source) == items_by_parser(source)


@pytest.mark.slow
def test_the_suite_splits_and_outlines_as_it_parses():
    for source in VALID:
        parsed = parse(source)
        told = outline(source, parsed.tokens)
        assert parsed.module is not None and told is not None
        assert split(source) == items_by_parser(source)
        assert [(type(one), one.at) for one in told.body] == [(type(one), one.at) for one in parsed.module.body]
        stops = [[getattr(one, "stop", 0) for one in module.body] for module in (told, parsed.module)]
        assert stops[0] == stops[1]


def effort(source: str) -> int:
    """Calls of functions, the interpreter's own included, that it takes to read a text in every way."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        everything(source)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        '"\\',
        "/*",
        "(",
        "{",
        "fun f() {",
        "'",
        'f"{',
        "#[",
        "<",
        "a::",
        "&",
        '"a" ',
        "use a::{",
        "\n}",
        "let\n",
        "f(\n",
        "x ?",
        "mod m {",
        "impl A {",
        "match a {",
        "!",
        "|a",
        "if a {",
        "\\",
    ],
)
def test_malformed_input_costs_no_more_than_its_length(part):
    assert effort(part * 600) < 9 * effort(part * 150)  # a square would be 16
