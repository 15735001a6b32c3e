"""What a block is worth, whatever its last statement is, and wherever the block stands."""

import pytest

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found, good

LETS = {
    "let x = 5;": "i64",
    "let x: i32 = 5;": "i32",
    'let x = "five";': "String",
    "let _ = 5;": "i64",
    'let _ = "five";': "String",
    "let x = 2 in x * 3": "i64",
    'let x = 2 in { let y = "q"; }': "String",
}
PLACES = {
    "function": "fun f() -> {type} {{ {tail} }}",
    "branch": "fun f(c: bool) -> {type} {{ if c {{ {tail} }} else {{ {tail} }} }}",
    "nested": "fun f() -> {type} {{ {{ {{ {tail} }} }} }}",
    "loop": "fun f() -> {type} {{ loop {{ break {{ {tail} }} }} }}",
    "return": "fun f() -> {type} {{ return {{ {tail} }} }}",
    "let": "fun f() {{ let y: {type} = {{ {tail} }}; println(y) }}",
    "argument": "fun g(p: {type}) {{ println(p) }} fun f() {{ g({{ {tail} }}) }}",
    "default": "fun f(p: {type} = {{ {tail} }}) {{ println(p) }}",
    "constant": "const K: {type} = {{ {tail} }};",
    "field": "struct S {{ a: {type} }} fun f() {{ println(S {{ a: {{ {tail} }} }}) }}",
    "top": "let y: {type} = {{ {tail} }}\nprintln(y)",
}
WRONG = {"i64": "String", "i32": "String", "String": "i64"}


@pytest.mark.parametrize("place", PLACES)
def test_a_let_at_the_end_gives_its_value(place):
    for tail, kind in LETS.items():
        good(PLACES[place].format(type=kind, tail=tail))


@pytest.mark.parametrize("place", PLACES)
def test_a_let_at_the_end_of_another_type_is_an_error(place):
    for tail, kind in LETS.items():
        source = PLACES[place].format(type=WRONG[kind], tail=tail)
        assert [(code[:3], line) for code, line in found(source)][:1] in ([("E02", 1)], [("E04", 1)]), source


VALUELESS = ("x = 3", "x += 3;", "while x < 3 { x += 1 }", "for i in 0..3 { }", "fun g() { 3 }",
             "const K: i64 = 3;",             "struct S { a: i64 }", "type T = i64;", "println(x)", "if x == 2 { 5 }",
             "loop { break }", ";")  # fmt: skip


@pytest.mark.parametrize("tail", VALUELESS)
@pytest.mark.parametrize("place", ["function", "branch", "nested", "let", "argument", "loop"])
def test_what_has_no_value_is_none_at_the_end(place, tail):
    source = PLACES[place].format(type="String", tail=f"let mut x = 2; {tail}")
    assert [line for _, line in found(source)][:1] == [1], source


def test_a_let_at_the_end_of_what_gives_nothing_is_dropped():
    good("fun f() -> () { let x = 5; }")
    good("fun f(c: bool) -> i64 { let y = if c { 2 } else { let _ = 3; }; y }")
    good("fun f(c: bool) -> () { if c { let x = 5; } else { let _ = f(c); } }")


def test_they_run():
    source = (
        'fun f() -> i32 { let x = 5; }\nfun g() -> String { let _ = f"<{f()}>"; }\nfun main() { println(f(), g()) }'
    )
    assert run_text(source).stdout == "5 <5>\n"


def test_breaks_of_a_loop_that_must_have_a_value():
    for breaks in ("if c { break; } break 1;", "if c { break 1; } break;", "break;"):
        assert found(f"fun f(c: bool) -> i64 {{ loop {{ {breaks} }} }}") in ([("E0203", 1)], [("E0401", 1)])
        assert found(f"fun f(c: bool) {{ let x: i64 = loop {{ {breaks} }}; println(x) }}")[0][1] == 1
    good("fun f(c: bool) -> () { loop { if c { break; } break; } }")


def test_a_return_in_what_belongs_to_no_function():
    for source in ("const K: i64 = { return 1; }; fun f() -> i64 { K }", "fun g(a: i64 = { return; }) { println(a) }",
                   "struct S { a: i64 = { return 2; } } fun f() -> i64 { S { }.a }"):  # fmt: skip
        assert found(source)[:1] == [("E0232", 1)]
