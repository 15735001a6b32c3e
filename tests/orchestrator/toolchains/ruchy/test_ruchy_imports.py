"""Imports of variants by `use E::*`, and of what is built in by `use std::...`."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, errors_of, run, run_text
from tests.helpers.reuse_tools import WrongError, compiled, fragments_of, job_of, jobs

COLOUR = "pub enum Colour { Red, Green, Mixed(i64, i64) }\n"
NAMES = 'fun name(c: Colour) -> str { match c { Red => "r", Green => "g", Mixed(a, _) => f"m{a}" } }\n'
MADE = "println(name(Red), name(Green), name(Mixed(1, 2)), Mixed(3, 4))\n"


@pytest.mark.parametrize("use", ["use Colour::*;\n", "use Colour::{Red, Green, Mixed};\n", "use self::Colour::*\n"])
def test_variants_are_seen_by_name_alone(use):
    assert run_text(COLOUR + use + NAMES + MADE).stdout == "r g m1 Mixed(3, 4)\n"
    inside = f"fun main() {{\n{use}{MADE}}}\n"
    assert run_text(COLOUR + NAMES.replace("{ match", f"{{ {use} match") + inside).stdout == "r g m1 Mixed(3, 4)\n"


@pytest.mark.parametrize("use", ["use paint::Colour\nuse paint::Colour::*\n", "use paint::*\nuse paint::Colour::*;\n"])
def test_variants_of_another_module_are_seen_by_name_alone(use):
    built = build({"main.ruchy": use + NAMES + MADE, "paint.ruchy": COLOUR})
    assert built.program is not None, built.errors()
    assert run(built.program).stdout == "r g m1 Mixed(3, 4)\n"


def test_a_glob_of_an_enum_brings_its_variants_and_nothing_else():
    source = f"{COLOUR}use Colour::*;\nfun max(a: i64, b: i64) -> i64 {{ a }}\n"
    assert run_text(f"{source}println(max(1, 2), min(1, 2), Red)\n").stdout == "1 1 Red\n"
    assert [(one.code, one.hint) for one in errors_of(f"{source}println(Redd)\n")] == [("E0101", "")]
    two = f"{source}enum Light {{ Red, Off }}\nuse Light::*;\n"
    assert [one.code for one in errors_of(f"{two}println(Red)\n")] == ["E0504"]
    assert run_text(f"{two}println(Off, Green, Light::Red)\n").stdout == "Off Green Red\n"
    other = {"main.ruchy": "use paint::Colour::*\nprintln(Red)\n", "paint.ruchy": COLOUR.removeprefix("pub ")}
    assert [one.code for one in build(other).errors()] == ["E0503", "E0101"]


def test_a_name_that_is_no_imported_variant_binds():
    source = f'{COLOUR}fun f(c: Colour) -> str {{ match c {{ Red => "any" }} }}\nprintln(f(Colour::Green))\n'
    assert run_text(source).stdout == "any\n"
    assert [one.code for one in errors_of(f"use Colour::Red;\n{source}")] == ["E0270"]


def test_a_variant_that_is_added_behind_a_glob_is_missed_by_a_match():
    main = "use paint::Colour\nuse paint::Colour::*\n" + NAMES + "fun other() -> i64 { 1 }\n" + MADE
    before = jobs({"main.ruchy": main, "paint.ruchy": COLOUR})["main"]
    kept = fragments_of(compiled(before))
    with pytest.raises(WrongError) as told:
        compiled(jobs({"main.ruchy": main, "paint.ruchy": COLOUR.replace("Red,", "Red, Blue,")})["main"], kept)
    assert told.value.codes == ["E0270"]
    renamed = COLOUR.replace("Red", "Scarlet")
    with pytest.raises(WrongError) as told:
        compiled(jobs({"main.ruchy": main, "paint.ruchy": renamed})["main"], kept)
    assert told.value.codes[0] in ("E0101", "E0270")


def test_unused_imports_are_told():
    def told(source: str) -> list[tuple[str, int]]:
        return [(one.code, one.line) for one in compiled(job_of(source)).warnings]

    assert told("use std::fs\nuse std::collections::{HashMap, HashSet}\nprintln(HashSet::from([1]))\n") == [
        ("W0002", 1),
        ("W0002", 2),
    ]
    assert told("use std::math\nuse std::fmt::Display\nprintln(math::PI)\n") == []
    assert told(f"{COLOUR}use Colour::*\nprintln(1)\n") == [("W0002", 2)]
    assert [one.code for one in errors_of("use std::rc::Rc\nprintln(1)\n")] == ["E0505"]


RUN = {
    "use std::math\nprintln(math::PI, math::sqrt(4.0), math::max(1, 2))": "3.141592653589793 2.0 2",
    "use std::mem\nlet mut a = 1\nlet mut b = 2\nmem::swap(&mut a, &mut b)\nprintln(a, b)": "2 1",
    "use std::mem::swap\nlet mut a = [1]\nlet mut b = []\nswap(&mut a, &mut b)\nprintln(a, b)": "[] [1]",
    'use std::mem\nlet mut a = "x"\nlet b = mem::take(&mut a)\nprintln(a == "", b)': "true x",
    "let mut o = Some(3)\nprintln(std::mem::take(&mut o), o)": "Some(3) None",
    "use std::cmp::max\nprintln(max(1, 2))": "2",
    "use std::f64::consts::PI\nprintln(PI, std::f64::consts::E)": "3.141592653589793 2.718281828459045",
    "println(1_000, 1_000.5, 0xFF_FF, 0b1010, 0o17, 1_0u8, 1e1_0)": "1000 1000.5 65535 10 15 10 10000000000.0",
    "for i in 1_0..1_2 { println(i) }": "10\n11",
    "match 1000 { 1_000 => println(true), _ => println(false) }": "true",
    'for k, v in HashMap::from([("a", 1), ("b", 2)]) { println(k, v) }': "a 1\nb 2",
    'for i, x in ["a", "b"].enumerate() { println(i, x) }': "0 a\n1 b",
    "for a, (b, c) in [(1, (2, 3))] { println(a + b + c) }": "6",
}


@pytest.mark.parametrize("source", RUN)
def test_what_is_built_in_has_its_usual_names(source):
    assert run_text(f"{source}\n").stdout == RUN[source] + "\n"


def test_a_module_of_the_program_goes_before_what_is_built_in():
    sources = {"main.ruchy": "println(math::sqrt(4), math::PI)\n", "math.ruchy": "pub fun sqrt(n: i64) -> i64 { 7 }\n"}
    built = build(sources)
    assert built.program is not None, built.errors()
    assert run(built.program).stdout == "7 3.141592653589793\n"
    assert [(one.code, one.hint) for one in errors_of("println(math::sqr(1))\n")] == [
        ("E0102", "did you mean `math::sqrt`?")
    ]
