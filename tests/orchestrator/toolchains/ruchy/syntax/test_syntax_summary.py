"""Summaries: what a module tells the planner."""

from __future__ import annotations

from actors.compiler.toolchain import Summarised, SummariseJob, Summary
from orchestrator.toolchains.ruchy.summary import summarise
from orchestrator.toolchains.ruchy.syntax.parser import parse_item


def tell(source: str, module: str = "shapes/circle") -> Summarised:
    return summarise(SummariseJob(module=module, path=f"{module}.ruchy", source=source.encode()))


def summary(source: str, module: str = "shapes/circle") -> Summary:
    told = tell(source, module)
    assert told.summary is not None, told.diagnostics
    return told.summary


def names(source: str) -> list[str]:
    return [name.name for name in summary(source).names]


def test_items_and_their_interfaces():
    found = summary("""\
pub fun area(r: f64, k: Scale = unit()) -> f64 { helper(r) * k }
fun helper(r) { r * PI }
pub struct Point { pub x: f64, y: Wide }
impl Point {
    pub fun new(x: f64) -> Point { Point { x, y: wide(x) } }
    fun guess(&self) { near(self.x) }
}
enum Kind { Red, Ring(Ring) }
const PI: f64 = 3.14;
type Scale = f64;
mod metric { pub fun scale(n: f64) -> f64 { n } }
""")
    assert [(one.kind, one.name, one.public, one.line) for one in found.items] == [
        ("function", "area", True, 1),
        ("function", "helper", False, 2),
        ("struct", "Point", True, 3),
        ("enum", "Kind", False, 8),
        ("const", "PI", False, 9),
        ("type", "Scale", False, 10),
        ("module", "metric", False, 11),
        ("function", "metric::scale", True, 11),
    ]
    texts = {one.name: one.interface.decode() for one in found.items}
    assert texts["area"] == "pub fun area ( r : f64 , k : Scale = unit ( ) ) -> f64"
    assert texts["helper"] == "fun helper ( r ) { r * PI }"
    assert texts["Point"] == (
        "pub struct Point { pub x : f64 , y : Wide }\n"
        "impl Point { pub fun new ( x : f64 ) -> Point\nfun guess ( & self ) { near ( self . x ) } }"
    )
    assert texts["metric"] == ""
    assert all(parse_item(text).module is not None for text in texts.values())
    items = {one.name: one for one in found.items}
    assert items["area"].interface_names == ("f64", "Scale", "unit")
    assert items["area"].names == ("f64", "Scale", "unit", "helper")
    assert items["helper"].names == ("PI",)
    assert items["Point"].interface_names == ("f64", "Wide", "Point", "near")
    assert items["Point"].names == ("f64", "Wide", "Point", "wide", "near")
    assert items["Kind"].names == ("Ring",)


def test_a_digest_names_tokens_and_nothing_else():
    first = summary("pub fun f() -> i64 { 1 }\nfun g() { 2 }").items
    second = summary("// c\n\npub fun f( ) -> i64\n{ 1 /* d */ }  fun g() { 3 }").items
    assert first[0].digest == second[0].digest
    assert first[0].interface == second[0].interface
    assert first[1].digest != second[1].digest
    plain, changed = (summary(f"struct S;\nimpl S {{ fun f() -> i64 {{ {n} }} }}").items[0] for n in (1, 2))
    assert plain.digest != changed.digest
    assert plain.interface == changed.interface


def test_uses():
    found = summary("""\
use a::b;
pub use a::{c as d, e::*};
import x.y
from t import u, v as w
mod n;
mod m { use super::z; use crate::q::r; use self::s; }
use super::square::side;
""")
    assert [(one.path, one.alias, one.glob, one.scope, one.public) for one in found.uses] == [
        (("a", "b"), "b", False, "", False),
        (("a", "c"), "d", False, "", True),
        (("a", "e"), "", True, "", True),
        (("x", "y"), "y", False, "", False),
        (("t", "u"), "u", False, "", False),
        (("t", "v"), "w", False, "", False),
        (("n",), "n", False, "", False),
        (("shapes", "circle", "z"), "z", False, "m", False),
        (("q", "r"), "r", False, "m", False),
        (("shapes", "circle", "m", "s"), "s", False, "m", False),
        (("shapes", "square", "side"), "side", False, "", False),
    ]
    assert [(one.line, one.column, one.length) for one in found.uses][:3] == [(1, 8, 1), (2, 13, 1), (2, 24, 1)]


def test_names_that_may_mean_something_outside():
    assert names("fun f() { a(1); b::c(2); d.e(3).f; G { h: i }; j::K::L }") == ["a", "b::c", "d", "G", "i", "j::K::L"]
    assert names('fun f() { f"{a} {b::c(d):.2} {{e}}"; "g" }') == ["a", "b::c", "d"]
    assert names("fun f(a: A, (b, c): B = d()) -> C { a }") == ["A", "B", "d", "C"]
    assert names("fun f<T: U>(x: T) -> T { T::new(x) }") == ["U"]
    assert names("fun f() { String::new(); Box::new(1); Vec::<X>::new() }") == ["String", "Box", "Vec", "X"]
    assert names("#[derive(Debug)] struct S { a: B }") == ["B"]
    assert names("fun f() { println!(1); 'l: loop { break 'l } }") == []
    assert names("fun f() { match x { Some(y) => y, E::V(z) => z } }") == ["x", "Some", "y", "E::V", "z"]


def test_own_items_are_left_out():
    assert names("fun f() { g(); m::h(); K::A; o::p() } fun g() { } mod m { pub fun h() { } } enum K { A }") == ["o::p"]
    found = summary("mod m { fun f() { g(); h() } fun g() { } } fun h() { }")
    assert found.names == ()
    assert [(one.name, one.scope) for one in summary("mod m { fun f() { a::b() } } fun f() { a::b() }").names] == [
        ("a::b", "m"),
        ("a::b", ""),
    ]


def test_locals_are_left_out_only_where_they_are_visible():
    assert names("fun f() { let a = a(1); a }") == ["a"]
    assert names("fun f() { let a = 1; a + b }") == ["b"]
    assert names("fun f() { { let a = 1; a } }") == []
    assert names("fun f() { { let a = 1; a } a(2) }") == ["a"]
    assert names("fun f(a) { a } fun g() { a }") == ["a"]
    assert names("fun f(a: i64) { fun g() { a() } }") == ["i64", "a"]
    assert names("fun f() { for i in xs { i } i }") == ["xs", "i"]
    assert names("fun f() { if let Some(a) = b { a } }") == ["Some", "a", "b"]


def test_items_and_imports_inside_of_functions():
    assert names("fun f() { enum K { A } K::A; struct S { a: i64 } S { a: 1 } fun g() { } g() }") == ["A", "i64"]
    source = "fun f() { use a::b as c; use d::e; c(1); c::g(); e(2); h() } fun i() { c() }"
    assert names(source) == ["a::b", "d::e", "a::b::g", "h", "c"]
    assert summary(source).uses == ()
    assert [one.glob for one in summary("fun f() { use a::*; b() }").uses] == [True]


def test_relative_paths_count_from_the_root():
    source = "fun f() { crate::a::b(); self::c(); super::d::e() } mod m { fun g() { super::h(); self::i() } }"
    assert names(source) == [
        "a::b", "shapes::circle::c", "shapes::d::e", "shapes::circle::h", "shapes::circle::m::i",
    ]  # fmt: skip


def test_places_of_names():
    (name,) = summary("fun f() {\n    other::g()\n}").names
    assert (name.name, name.line, name.column) == ("other::g", 2, 5)


def test_statements_and_main():
    found = summary("use a::b;\n\nb(1)\n  + c;\nfun main() { }\nd();")
    assert (found.statements_line, found.has_main) == (3, True)
    assert [name.name for name in found.names] == ["b", "c", "d"]
    found = summary("mod m { fun main() { } }")
    assert (found.statements_line, found.has_main) == (0, False)
    assert summary("") == Summary()


def test_errors_prevent_a_summary():
    told = tell("fun f( { }\nfun g() { }")
    assert told.summary is None
    (found,) = told.diagnostics
    assert (found.code, found.file, found.module, found.line) == ("E0002", "shapes/circle.ruchy", "shapes/circle", 1)
    assert [one.code for one in tell('fun f() { "abc }').diagnostics] == ["E0020"]
    assert [one.code for one in tell("use a::P;\nimpl P { fun f() { } }").diagnostics] == ["E0508"]


def test_an_error_inside_of_a_body_is_left_to_the_compile():
    assert [item.name for item in summary("fun f() { let = 1 }\nfun g() { }").items] == ["f", "g"]


def test_the_first_of_two_definitions_wins_and_both_are_read():
    found = summary("fun f() -> i64 { a() }\nfun f() -> f64 { b() }")
    assert [item.interface for item in found.items] == [b"fun f ( ) -> i64"]
    assert [name.name for name in found.names] == ["i64", "a", "f64", "b"]
