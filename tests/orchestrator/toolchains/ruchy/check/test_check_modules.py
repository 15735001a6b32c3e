"""Items of other modules: by their interfaces, and by nothing else."""

from actors.compiler.toolchain import Binding, Interface
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import ERROR, I32, I64, STRING, StructType
from tests.orchestrator.toolchains.ruchy.check.checking import check_text, found, function, good


def given(*texts: tuple[str, str, str, dict[str, str]]) -> dict:
    """Interfaces by (module, item, text, names), each bound in the file by its own name."""
    return {
        "resolution": tuple(Binding(scope="", name=item, module=module, item=item) for module, item, _, _ in texts),
        "interfaces": {
            f"{module}::{item}": Interface(module=module, item=item, kind="", interface=text.encode(), names=names)
            for module, item, text, names in texts
        },
    }


def test_a_call_is_checked_against_the_signature():
    known = given(("lib/m", "f", 'pub fun f(n: i32, s: String = "x") -> i64', {}))
    module = good("fun g() -> i64 { f(1) }", **known)
    made = function(module, "g").body
    assert made == hir.Call(I64, made.at, "lib/m::f", [hir.Int(I32, 9, 1), hir.Str(STRING, made.at, "x")])
    assert module.signatures == {"lib/m::f": ([I32, STRING], I64)}
    assert found("fun g() -> i64 {\n f(true)\n}", **known) == [("E0204", 2)]
    assert found("fun g() -> i64 {\n f()\n}", **known) == [("E0301", 2)]


def test_types_aliases_and_constants():
    known = given(
        ("t", "P", "pub struct P { pub x: Id, y: String = NAME }", {"Id": "t::Id", "NAME": "u::NAME"}),
        ("t", "Id", "pub type Id = i32;", {}),
        ("u", "NAME", 'const NAME = "a" + N;', {"N": "u::N"}),
        ("u", "N", "const N: i64 = 4;", {}),
    )
    module = good("fun f() -> P { P { x: 1 } } fun g(i: Id) -> i64 { N }", **known)
    made = function(module, "f").body
    assert made.fields == [hir.Int(I32, made.fields[0].at, 1), hir.Str(STRING, made.at, "a4")]
    assert module.structs == {StructType("t", "P"): hir.StructLayout(StructType("t", "P"), ["x", "y"], [I32, STRING])}
    assert function(module, "g").parameters == [I32]


def test_what_a_function_without_a_result_type_returns_is_found_in_its_body():
    known = given(
        ("m", "f", "pub fun f(n: i32) { h(n) * 2 }", {"h": "m::h"}),
        ("m", "h", "fun h(n: i32) { if n < 1 { n } else { h(n - 1) } }", {"h": "m::h"}),
    )
    module = good("fun g() { f(1) }", **known)
    assert function(module, "g").result == I32
    assert [one.symbol for one in module.functions] == ["main::g"]


def test_a_public_function_must_not_lean_on_another_modules_body():
    known = given(("m", "f", "pub fun f() { 1 }", {}))
    checked = check_text("pub fun g() {\n f()\n}", **known)
    assert [(one.code, one.line, one.hint) for one in checked.diagnostics] == [("E0507", 1, "write `-> i64`")]
    assert check_text("pub fun g() {\n f();\n 2\n}", **known).diagnostics == []
    assert check_text("pub fun g() -> i64 {\n f()\n}", **known).diagnostics == []
    assert found("fun h() { f() }\npub fun g() {\n h()\n}", **known) == [("E0507", 2)]


def test_a_body_that_leans_on_a_third_module_is_reported_there_and_silent_here():
    known = given(
        ("m", "f", "pub fun f() { g() }", {"g": "n::g"}),
        ("m", "k", "pub fun k() { g(); 7 }", {"g": "n::g"}),
        ("n", "g", "pub fun g() { 1 }", {}),
    )
    checked = check_text("fun main() { println(f()) }", **known)
    assert (checked.module, checked.diagnostics) == (None, [])
    assert check_text("fun main() { println(k()) }", **known).module is not None


def test_errors_in_another_modules_body_are_not_ours():
    known = given(("m", "f", "pub fun f() { nope() }", {}))
    checked = check_text("fun main() { println(f()) }", **known)
    assert (checked.module, checked.diagnostics) == (None, [])


def test_a_name_that_failed_is_silent():
    failed = (Binding(scope="", name="area", failed=True), Binding(scope="", name="m::P", failed=True))
    source = "fun f(p: m::P) -> i64 { let x = area(1) + 1; x.foo() + p.x + m::P { a: 1 }.y } fun g() -> i64 { true }"
    checked = check_text(source, resolution=failed)
    assert checked.module is None
    assert [one.code for one in checked.diagnostics] == ["E0401"]


def test_own_items_come_before_imports_and_locals_before_both():
    known = given(("m", "f", "pub fun f() -> String", {}))
    module = good("fun f() -> i64 { 1 } fun g() -> i64 { f() } fun h() -> i64 { let f = 2; f }", **known)
    assert function(module, "g").body.symbol == "main::f"
    assert module.signatures == {}


def test_imports_come_before_builtins():
    known = given(("m", "abs", "pub fun abs(s: String) -> String", {}))
    assert function(good('fun g() -> String { abs("a") }', **known), "g").body.symbol == "m::abs"


def test_a_cycle_of_constants_over_two_modules_is_reported_at_our_end():
    known = given(("m", "A", "pub const A: i64 = B;", {"B": "main::B"}))
    assert found("pub const B: i64 = 1 +\n A;", **known) == [("E0216", 1)]


def test_our_own_items_in_anothers_interface():
    known = given(("m", "f", "pub fun f(p: P) -> P", {"P": "main::P"}))
    module = good("pub struct P { x: i64 } fun g(p: P) -> P { f(p) }", **known)
    kind = StructType("main", "P")
    assert module.signatures == {"m::f": ([kind], kind)}


def test_inline_modules_see_outward():
    source = (
        "const K: i64 = 2; mod a { pub fun f() -> i64 { h() * K } fun h() -> i64 { 3 } "
        "pub mod b { pub fun g() -> i64 { h() + super::h() + self::k() } fun k() -> i64 { 1 } } } "
        'fun h() -> String { "x" } fun main() { println(a::f(), a::b::g(), h()) }'
    )
    module = good(source)
    assert function(module, "a::f").body.left.symbol == "main::a::h"
    assert ERROR not in [one.result for one in module.functions]
