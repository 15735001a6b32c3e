"""Inferred signatures: what decides them, and that everybody who looks finds the same."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import SummariseJob
from orchestrator.toolchains.ruchy.check.types import F64, I64, INTEGERS, STRING, UNIT, StructType
from orchestrator.toolchains.ruchy.signatures import known
from tests.helpers.programs import build, run
from tests.helpers.reuse_tools import RUCHY, compiled, job_of, jobs


def inferred(source: str) -> dict[str, tuple[list[object], object]]:
    """Parameters and result of each inferred function."""
    found = {name: known(one) for name, one in job_of(source).signatures.items()}
    return {name: (list(one.parameters), one.result) for name, one in found.items() if one is not None}


def ran(**sources: str) -> str:
    built = build({f"{name}.ruchy": text for name, text in sources.items()})
    assert built.program is not None, built.errors()
    return run(built.program).stdout


def codes(**sources: str) -> list[tuple[str, str]]:
    return [(one.code, one.module) for one in build({f"{name}.ruchy": text for name, text in sources.items()}).errors()]


def test_types_come_from_bodies_and_from_calls():
    assert inferred("fun f(a) { a } fun g() -> u8 { f(1) } fun h() { println(2) }") == {
        "f": ([INTEGERS["u8"]], INTEGERS["u8"]),
        "h": ([], UNIT),
    }
    assert inferred("fun f(a, b) { a + b } f(1.5, 2.5)") == {"f": ([F64, F64], F64)}
    assert inferred("fun f(a) { a } fun main() { println(f('x')) }") == {"f": ([STRING], STRING), "main": ([], UNIT)}
    assert inferred('mod m { fun f(a) { a + a } pub fun g() -> String { f("x") } }') == {"m::f": ([STRING], STRING)}
    assert inferred("struct P { x: i64 } fun f() { P { x: 1 } }") == {"f": ([], StructType("main", "P"))}


def test_what_is_all_written_is_not_inferred():
    assert job_of("fun f(a: i64) -> i64 { a }").signatures == {}
    assert job_of("const A = 1; println(A)").signatures == {}


def test_functions_that_name_no_inferred_one_are_not_looked_at():
    wrong = 'fun f(a) { a } fun g() -> i64 { f(1) } fun other() -> i64 { "no number" }'
    assert inferred(wrong) == {"f": ([I64], I64)}


@pytest.mark.parametrize(
    "source",
    [
        'fun f(a) { a + true } fun g() { f(1); f("x") }',
        "fun f() { missing() }",
        "fun f() { struct P { x: i64 } P { x: 1 } } fun g() -> i64 { f().x }",
    ],
)
def test_where_something_is_wrong_nothing_is_inferred(source):
    assert RUCHY.infer(job_of(source)).signatures == {}


def test_a_type_without_a_name_outside_still_compiles_and_keeps_nothing():
    job = job_of("fun f() { struct P { x: i64 } P { x: 1 } } fun g() -> i64 { f().x }")
    assert b"wasmill.fragments" not in compiled(job).data


def test_signatures_are_equal_bytes_for_equal_types():
    one = job_of("fun f(a) { a } fun g() -> i64 { f(1) }").signatures["f"]
    other = job_of("// moved\n\nfun g() -> i64 { 2 + f(3) }  fun f(b) { b + 1 }").signatures["f"]
    assert one == other
    assert job_of("fun f(a) { a } fun g() -> i32 { f(1) }").signatures["f"] != one


def test_signatures_say_what_they_drag_in():
    found = jobs(
        {
            "main.ruchy": "use shapes::P; const N = 3; fun f(a: i64 = N, b: i64 = side()) { P { x: a + b } }\n"
            "fun side() -> i64 { 1 }",
            "shapes.ruchy": "pub struct P { pub x: i64 }",
        }
    )["main"].signatures
    assert found["f"].names == ("main::N", "main::side", "shapes::P")


def test_a_changed_default_changes_a_signature():
    one = job_of("fun f(a: i64 = 1) { println(a) }").signatures["f"]
    assert one != job_of("fun f(a: i64 = 2) { println(a) }").signatures["f"]
    assert one != job_of("fun f(a: i64) { println(a) }").signatures["f"]


# ------------------------------------------------------------ `pub` without `->`


def test_what_a_public_function_returns_does_not_depend_on_who_calls_it():
    assert inferred("pub fun f() { 5 }") == {"f": ([], I64)}
    assert ran(main="use a::f; fun main() { println(f()) }", a="pub fun f() { 5 } fun g() -> i64 { f() }") == "5\n"
    assert inferred("pub fun f() { 5 } fun g() -> i32 { f() }") == {"f": ([], I64)}
    assert codes(main="use a::f; f()", a="pub fun f() { 5 } fun g() -> String { f() }") == [("E0401", "a")]


def test_private_functions_that_it_calls_are_looked_at_in_its_own_text_alone():
    program = {"main": "use a::f; fun main() { println(f()) }"}
    assert ran(a="pub fun f() { g(1) } fun g(a) { a }", **program) == "1\n"
    assert inferred("pub fun f() { g(1) } fun g(a) { a } fun h(y: u8) -> u8 { g(y) }")["f"] == ([], I64)
    nested = "fun g(a, n) { fun h(k) { if k > 0 { h(k - 1) } else { 7 } } h(n); a + a }"
    assert ran(a='pub fun f() { g("x", 2) } ' + nested, **program) == "xx\n"
    assert inferred(
        "pub fun f() { if true { k(3) } else { 1 } } pub fun k(n: i64) { if n > 0 { f() } else { 2 } }"
    ) == {
        "f": ([], I64),
        "k": ([I64], I64),
    }


def test_a_public_function_that_its_text_does_not_decide_asks_for_its_type():
    assert ran(main="let x = 4; pub fun f() { x } println(f())") == "4\n"
    assert codes(main="let x = 4; pub fun f() { x }", a="use main::f; pub fun g() { f() }") == [("E0507", "a")]
    assert ran(main="let x = 4; pub fun f() { println(x) } f()") == "4\n"
    assert codes(main="use a::f; f();", a="use b::k; pub fun f() { k() }", b="pub fun k() { 1 }") == [("E0507", "a")]
    assert ran(main="use a::f; f();", a="use b::k; pub fun f() { k() }", b="pub fun k() { println(1) }") == "1\n"


def test_a_nested_function_without_a_type_is_found_however_deep_it_stands():
    depth = 25
    source = "fun main() {" + "{" * depth + "fun g() { 1 } println(g())" + "}" * depth + "}"
    assert ran(main=source) == "1\n"


def test_items_inside_of_constants_and_defaults_are_not_there_yet():
    assert codes(main="const A: i64 = { fun g() -> i64 { 1 } g() };") == [("E0720", "main")]
    assert codes(main="fun f(a: i64 = { fun g() -> i64 { 1 } g() }) -> i64 { a }") == [("E0720", "main")]


def test_main_runs_although_a_default_calls_it():
    assert ran(main="fun f(a: () = main()) {} fun main() { println(1) }") == "1\n"


def test_no_summary_no_inference():
    job = job_of("fun f() { 1 }")
    assert RUCHY.summarise(SummariseJob(module="main", path="main.ruchy", source=job.source)).summary == job.summary
    assert RUCHY.infer(type(job)(module="main", path="main.ruchy", source=job.source)).signatures == {}
