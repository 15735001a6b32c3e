"""What is not annotated: locals, parameters and results of private functions."""

import pytest

from orchestrator.toolchains.ruchy.check.types import BOOL, F64, I32, I64, STRING, UNIT, FloatType, StructType
from tests.orchestrator.toolchains.ruchy.check.checking import body, check_text, found, function, good, warned

U8 = I64.__class__("u8", 8, False)
U64 = I64.__class__("u64", 64, False)


def signature(source: str, name: str = "f"):
    made = function(good(source), name)
    return made.parameters, made.result


def test_an_open_literal_is_i64_or_f64():
    assert function(good("fun f() { let a = 1; let b = 2.5; println(a, b) }"), "f").locals == [I64, F64]


def test_a_local_that_starts_from_an_integer_is_i64_whatever_it_is_used_as():
    source = (
        "fun g(a: i32, x: f32) { println(a, x) } fun f() { let a = 0; let mut b = a; let x = 0.5; g(b, x); b = 2; }"
    )
    assert function(good(source), "f").locals == [I64, I64, FloatType("f32", 32)]
    assert function(good("fun f(n: u8) -> bool { let a = 3; let b = 1; a + b < n }"), "f").locals == [U8, I64, I64]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("if n > 3 { n } else { 3000000000 }", I64),
        ("if n > 3 { 3000000000 } else { n }", I64),
        ("if n > 3 { 3000000000 } else if n > 2 { 7 } else { n }", I64),
        ("if n > 3 { 7 } else { n }", I32),
        ("loop { if n > 3 { break n } break 3000000000 }", I64),
        ("loop { if n > 3 { break 3000000000 } break n }", I64),
        ("loop { if n > 3 { break 7 } break n }", I32),
    ],
)
def test_a_literal_that_another_value_is_too_narrow_for_makes_both_wider(value, kind):
    assert function(good(f"fun f(n: i32) {{ let x = {value}; println(x) }}"), "f").locals == [I32, kind]


def test_a_place_is_no_wider_for_a_literal():
    assert found("fun f(n: i32) -> i32 { if n > 3 { n } else { 3000000000 } }") == [("E0205", 1)]
    assert found("fun f(n: i32) -> i32 { loop { if n > 3 { break n } break 3000000000 } }") == [("E0205", 1)]


def test_but_beside_a_u64_it_is_one():
    assert function(good("fun f(n: u64) -> bool { let a = 3; a < n }"), "f").locals == [U64, U64]


def test_a_local_that_floats_are_assigned_to_is_a_float_from_the_start_and_so_is_what_takes_its_value():
    source = "fun f() { let mut a = 0; let mut b = 0; let mut c = 0; b = a; c = b + 1; a = a + 1.5; println(a, b, c) }"
    assert function(good(source), "f").locals == [F64, F64, F64]
    source = "fun f() { let mut a = 0; let b = 0; a = b; a = 1.5; println(a, b) }"
    assert function(good(source), "f").locals == [F64, I64]


def test_results_follow_from_bodies():
    assert signature("fun f(a: i32) { a * 2 }") == ([I32], I32)
    assert signature('fun f() { println("a") }') == ([], UNIT)
    assert signature("fun f(a: i64) { if a > 1 { return; } println(a) }") == ([I64], UNIT)
    assert signature("fun f(a: i64) { if a > 1 { return true; } false }") == ([I64], BOOL)
    assert signature('fun f() { panic("no") }') == ([], UNIT)
    assert signature("fun f(a: i64) { if a > 1 { println(a) } else { a } }") == ([I64], UNIT)


def test_results_are_found_before_they_are_used():
    source = 'fun f() -> String { g().to_upper() } fun g() { h() + 1 } fun h() { "a" }'
    assert signature(source, "g") == ([], STRING)


def test_parameters_follow_from_calls():
    source = "fun f(a, b) { a + b } fun main() { let n: i32 = 3; println(f(1, n)) }"
    assert signature(source) == ([I32, I32], I32)
    assert signature('fun f(a) { a + "!" } fun main() { println(f(2.5)) }') == ([F64], STRING)
    struct = "struct P { x: u8 } fun f(p) { p.x } fun main() { println(f(P { x: 1 })) }"
    assert signature(struct) == ([StructType("main", "P")], U8)


def test_parameters_follow_from_bodies():
    assert signature("fun f(a, b) { a && b }") == ([BOOL, BOOL], BOOL)
    assert signature("fun f(a, n: u8) { a - n }") == ([U8, U8], U8)
    assert signature("fun f(a, b) { a * b }") == ([I64, I64], I64)


def test_recursion_without_annotations():
    assert signature("fun f(n) { if n < 2 { n } else { f(n - 1) + f(n - 2) } } fun main() { println(f(5)) }") == (
        [I64],
        I64,
    )
    source = "fun f(n) { if n == 0 { true } else { g(n - 1) } } fun g(n) { if n == 0 { false } else { f(n - 1) } }"
    assert signature(source + " fun main() { println(f(3)) }", "g") == ([I64], BOOL)
    joining = 'fun f(n) { if n == 0 { "" } else { f(n - 1) + n } } fun main() { println(f(3)) }'
    assert signature(joining) == ([I64], STRING)


def test_calls_that_disagree():
    assert found('fun f(x) { x }\nfun main() {\n println(f(1));\n println(f("a"));\n}') == []


def test_a_long_chain_of_results_that_have_to_be_found_out():
    calls = "".join(f"fun f{i}(a) {{ f{i + 1}(a + 1) + 1 }}\n" for i in range(120))
    source = calls + "fun f120(a) { a }\nfun main() { let n: i32 = 1; println(f0(n)) }"
    module = good(source)
    assert {one.result for one in module.functions[:-1]} == {I32}
    top = good(calls + "fun f120(a) { a }\nlet n: u8 = 1;\nprintln(f0(n));")
    assert {one.result for one in top.functions[:-1]} == {U8}


def test_a_constant_that_needs_a_long_chain():
    calls = "".join(f"fun f{i}() {{ f{i + 1}() + 1 }}\n" for i in range(60))
    module = good(calls + "fun f60() -> i32 { 1 }\nconst N = f0();\nfun g() -> i32 { N }")
    assert function(module, "g").result == I32


@pytest.mark.slow
def test_long_chains_of_operators_and_branches_need_no_depth():
    def ok(text: str) -> bool:
        return check_text(text).diagnostics == []

    from actors.compiler.toolchain import CompileJob
    from orchestrator.toolchains.ruchy.check.checker import check
    from orchestrator.toolchains.ruchy.syntax.parser import parse

    sources = [
        "fun f(a: i64) -> i64 { " + " + ".join(["a"] * 5000) + " }",
        "fun f(a: bool) -> bool { " + " && ".join(["a"] * 5000) + " }",
        "fun f(a: i64) -> String { " + " + ".join(['"x" + a'] * 2500) + " }",
        "fun f(a: i64) -> i64 { " + " else ".join(f"if a == {i} {{ {i} }}" for i in range(1000)) + " else { 0 } }",
    ]
    for source in sources:
        job = CompileJob(module="main", path="main.ruchy", source=source.encode())
        assert check(job, parse(source)).module is not None


def test_nothing_of_one_function_leaks_into_the_next():
    module = good("fun f() { let a = 1; println(a) } fun g() { let a = 1.5; println(a) }")
    assert [one.locals for one in module.functions] == [[I64], [F64]]


def test_the_same_twice():
    source = "struct P { x: i64 } const K = 2; fun f(a) { a * K } fun main() { println(f(2), P { x: 1 }) }"
    assert good(source) == good(source)
    assert body(source, "main") == body(source, "main")


def test_what_is_found_on_the_way_is_not_lost_where_a_check_begins_anew():
    """`a` is checked while `main` is, which is then put off until `c` has been checked."""
    deep = "{" * 25 + " println(c()) " + "}" * 25
    rest = "fun a() {\n %s\n 2 }\nfun c() { 3 }"
    assert found(f"fun main() {{ println(a()); {deep} }}\n" + rest % "let u: i32 = 2.5;") == [("E0201", 3)]
    assert warned(f"fun main() {{ println(a()); {deep} }}\n" + rest % "let u = 1;") == [("W0004", 3)]
