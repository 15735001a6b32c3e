"""Summaries: what a module tells the planner."""

from __future__ import annotations

from actors.compiler.toolchain import Item, Summarised, SummariseJob, Summary
from actors.planner.deep import Meanings, interfaces
from actors.planner.resolve import Modules, resolve
from orchestrator.toolchains.ruchy.summary.summarise import summarise
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
        ("method", "Point#new", True, 5),
        ("method", "Point#guess", False, 6),
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
    assert texts["Point#new"] == "pub fun new ( x : f64 ) -> Point"
    assert texts["Point#guess"] == "fun guess ( & self ) { near ( self . x ) }"
    assert texts["metric"] == ""
    assert all(parse_item(text).module is not None for text in texts.values())
    items = {one.name: one for one in found.items}
    assert items["area"].interface_names == ("f64", "Scale", "unit")
    assert items["area"].names == ("f64", "Scale", "unit", "helper")
    assert items["helper"].names == ("PI",)
    assert items["Point"].interface_names == ("f64", "Wide", "Point", "near", "Point#guess")
    assert items["Point"].names == ("f64", "Wide", "Point", "wide", "near")
    assert items["Point#new"].names == ("f64", "Point", "wide")
    assert items["Point#guess"].interface_names == ("near", "Point")
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
        (("", "shapes", "circle", "z"), "z", False, "m", False),
        (("", "q", "r"), "r", False, "m", False),
        (("", "shapes", "circle", "m", "s"), "s", False, "m", False),
        (("", "shapes", "square", "side"), "side", False, "", False),
    ]
    assert [(one.line, one.column, one.length) for one in found.uses][:3] == [(1, 8, 1), (2, 13, 1), (2, 24, 1)]


def test_names_that_may_mean_something_outside():
    assert names("fun f() { a(1); b::c(2); d.e(3).f; G { h: i }; j::K::L }") == ["a", "b::c", "d", "G", "i", "j::K::L"]
    assert names('fun f() { f"{a} {b::c(d):.2} {{e}}"; "g" }') == ["a", "b::c", "d"]
    assert names('fun f() { let x = 1; println!("{a} {b:>c$} {x} {}", f"{d:>e$.x$}") }') == ["a", "b", "c", "d", "e"]
    assert names("fun f(a: A, (b, c): B = d()) -> C { a }") == ["A", "B", "d", "C"]
    header = "a: &A, b: &mut B, c: &&C, mut d: (D, E) = g(G, H), e: fn(I, J) -> K"
    assert names(f"fun f({header}) {{ a + d }}") == [*"ABCDEgGHIJK"]
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
        "::a::b", "::shapes::circle::c", "::shapes::d::e", "::shapes::circle::h", "::shapes::circle::m::i",
    ]  # fmt: skip


def test_places_of_names():
    (name,) = summary("fun f() {\n    other::g()\n}").names
    assert (name.name, name.line, name.column) == ("other::g", 2, 5)


def test_statements_and_main():
    found = summary("use a::b;\n\nb(1)\n  + c;\nfun main() { }\nd();")
    assert found.statements_line == 3
    assert [name.name for name in found.names] == ["b", "c", "d"]
    found = summary("mod m { fun main() { } }")
    assert found.statements_line == 0
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


def test_items_say_where_they_stand():
    source = """\
// é before
#[inline] pub fun a() -> i64 { 1 } // behind
struct P { x: i64 }
impl P { fun f(&self) -> i64 { 1 } }
pub mod m {
    fun b() -> i64 { 2 }
}
const C: i64 = 3;
"""
    texts = {item.name: source[item.start : item.stop] for item in summary(source).items}
    assert texts == {
        "a": "#[inline] pub fun a() -> i64 { 1 }",
        "P": "struct P { x: i64 }",
        "P#f": "fun f(&self) -> i64 { 1 }",
        "m": "pub mod m {\n    fun b() -> i64 { 2 }\n}",
        "m::b": "fun b() -> i64 { 2 }",
        "C": "const C: i64 = 3;",
    }


def test_functions_have_code_and_those_that_leave_types_out_are_inferred():
    found = summary("""\
fun said(a: i64) -> i64 { a }
fun unit(a: i64) -> () { }
fun untyped(a) -> i64 { a }
fun gives(a: i64) { a }
fun main() { }
fun pattern((a, b)) -> i64 { a }
fun with_default(a: i64 = 1) -> i64 { a }
mod m { fun said() -> i64 { 1 } fun gives() { 1 } }
struct S { a: i64 }
const C: i64 = 1;
""")
    assert [item.name for item in found.items if item.code] == [
        "said", "unit", "untyped", "gives", "main", "pattern", "with_default", "m::said", "m::gives",
    ]  # fmt: skip
    inferred = [item.name for item in found.items if item.inferred]
    assert inferred == ["untyped", "gives", "main", "pattern", "m::gives"]


def top(source: str) -> Item:
    (*_, found) = summary(source).items
    assert (found.name, found.kind, found.public, found.code) == ("<top>", "statements", False, True)
    return found


def test_statements_are_an_item():
    source = (
        "fun f() -> i64 { 1 };\n\n/* c */ let x: Wide = f();\nb::c(x);\nuse d::e;\n(1 + e) + x\nfun g() -> i64 { 2 }"
    )
    found = top(source)
    assert found.interface == b"let x : Wide = f ( ) ; b :: c ( x ) ;\n( 1 + e ) + x"
    assert (found.line, found.names, found.interface_names) == (3, ("Wide", "f", "b::c", "e", "x"), found.names)
    assert source[found.start : found.stop].startswith("let x") and source[found.start : found.stop].endswith("e) + x")
    assert all(item.name != "<top>" for item in summary("fun f() { let x = 1; }\nuse a::b;").items)
    assert summary("let x = 1").statements_line == 1


def test_the_digest_of_the_statements_is_that_of_all_their_tokens():
    texts = [
        "let x = 1;\nfun f() -> i64 { 1 }\nx(2)",
        "// c\nlet x=1 ;fun f() -> i64 { 3 } fun g() -> i64 { 2 }\n\nx( 2 )",
        "let x = 1;\nfun f() -> i64 { 1 }\nx(3)",
        "let x = 2;\nfun f() -> i64 { 1 }\nx(2)",
        "fun f() -> i64 { 1 }\nlet x = 1; x(2)",
        "let x = 1\nfun f() -> i64 { 1 }\n;x(2)",
        "let y = 1\nx\n(2)",
        "let y = 1\nx (2)",
    ]
    digests = [top(text).digest for text in texts]
    assert digests[0] == digests[1]
    assert len(set(digests)) == len(texts) - 1


def test_functions_depend_on_the_statements_whose_variables_they_may_read():
    source = "let x: Wide = 1\nlet (y, z) = pair()\nlet w: Far = x\n{ let v = 1 }\n"
    reads = "fun f(a: i64 = x) -> i64 { a }\nfun g() -> i64 { let x = 2; x }\nfun h() { x }\nfun i() -> i64 { y + v }"
    items = {item.name: item for item in summary(source + reads).items}
    assert items["f"].names == ("i64", "x", "<top>") == items["f"].interface_names
    assert items["g"].names == ("i64",)
    assert items["h"].names == items["h"].interface_names == ("x", "<top>")
    assert items["i"].names == ("i64", "y", "v", "<top>")  # `v` is one of a block
    body = summary("let x = 1\nfun f() -> i64 { x }").items[0]
    assert (body.names, body.interface_names) == (("i64", "x", "<top>"), ("i64",))
    assert items["<top>"].interface_names == items["<top>"].names  # of which the variables' types are made
    assert "<top>" not in [name.name for name in summary(source + reads).names]


def test_the_digest_of_the_statements_says_which_of_their_variables_are_read():
    reads = ["1", "x", "y", "x + y", "y + x", "x + x", 'f"{x}"', "m::x"]
    digests = [top(f"let x = 1\nlet y = 2\nlet (z, w) = 3\nfun f() -> i64 {{ {read} }}").digest for read in reads]
    assert digests[3] == digests[4]
    assert digests[1] == digests[5] == digests[6]
    assert digests[0] == digests[7]
    assert len({digests[0], digests[1], digests[2], digests[3]}) == 4
    assert digests[1] == top("let x = 1\nlet y = 2\nlet (z, w) = 3\nmod m { fun f() -> i64 { x } }").digest


def test_statements_are_inferred_where_a_variable_that_functions_name_does_not_tell_its_type():
    told = ("let x: i64 = 1", 'let x = "a"', "let x = 1.5", "let y = [1]\nlet x = true")
    untold = (
        "let x = 1",
        "let x = []",
        "let (x, y) = (1, 2)",
        "let x = y",
        "let x: i64 = 1\nlet {y} = {y: 1}\nlet x = y",
    )
    for source in (*told, *untold):
        assert top(f"{source}\nfun f() {{ x }}").inferred == (source in untold), source
        assert not top(f"{source}\nfun f() {{ 1 }}").inferred


def test_resolution_and_hints_pass_the_statements_by():
    texts = {
        "a": "let x: i64 = 1\npub fun f(n: i64 = x) -> i64 { n }",
        "main": "use a::g;\nuse a::*;\nfun main() { f() }",
    }
    paths = {name: f"{name}.ruchy" for name in texts}
    modules = Modules({name: summary(text, name) for name, text in texts.items()}, paths)
    found = {name: resolve(modules, name) for name in texts}
    assert [(one.code, one.hint) for one in found["main"].findings] == [("E0502", "`a` has `f`")]
    assert [(one.module, one.item) for one in found["main"].bindings if one.name == "f"] == [("a", "f")]
    assert found["a"].bindings == ()
    dragged = interfaces(Meanings(modules, found.get), "main", found["main"].bindings)
    assert list(dragged) == ["a::<top>", "a::f"]
    assert dragged["a::f"].names == {"<top>": "a::<top>"}


def test_names_inside_of_f_strings_and_breaks_count_for_the_digest():
    bodies = ['f"{a}"', 'f"{b}"', 'f"{a:.2}"', "a\n(b)", "a (b)", "a\n!b", "a !b"]
    digests = [summary(f"fun f() {{ {body} }}").items[0].digest for body in bodies]
    assert len(set(digests)) == len(bodies)
    assert summary('fun f() -> i64 { f"{a(b)}" }').items[0].names == ("i64", "a", "b")
