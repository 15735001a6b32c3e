"""The differences from the reference implementation in docs/language.md that are deliberate and of stage 1. (That
`main` is found, that casts and aliases work: `stage1/diff-*.ruchy` and `stage1/aliases.ruchy`.)"""

from __future__ import annotations

import pytest

from tests.helpers.programs import errors_of, run_text


@pytest.mark.slow
def test_calling_an_undefined_function_is_an_error_even_where_it_is_never_reached():
    found = errors_of("fun main() { if false { missing(1); } println(1); }")
    assert [(one.code, one.line, one.column) for one in found] == [("E0102", 1, 25)]


@pytest.mark.slow
def test_main_is_found_however_many_items_there_are():
    before = "\n".join(f"fun f{i}() -> i64 {{ {i} }} struct S{i} {{ }}" for i in range(60))
    behind = "\n".join(f"fun g{i}() -> i64 {{ {i} }} const C{i}: i64 = {i};" for i in range(60))
    assert run_text(f"{before}\nfun main() {{ println(f59() + g59()); }}\n{behind}").stdout == "118\n"


@pytest.mark.parametrize("kind", ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"])
def test_casts_to_every_integer_type(kind):
    source = f"fun main() {{ let n = 100; let f = 99.9; println(n as {kind}, f as {kind}, true as {kind}); }}"
    assert run_text(source).stdout == "100 99 1\n"


def test_type_aliases_work():
    source = "type A = B; type B = i32; fun f(a: A) -> B { a * 2 } fun main() { let x: A = 4; println(f(x)); }"
    assert run_text(source).stdout == "8\n"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("actor A { }", "E0701"),
        ("fun f() { spawn g() }", "E0701"),
        ("async fun f() { }", "E0702"),
        ("effect E { }", "E0703"),
        ('fun f() { df!["a" => [1]] }', "E0704"),
        ("mixin C { }", "E0705"),
        ("interface T { }", "E0706"),
        ("static N: i64 = 1;", "E0707"),
        ("fun f() { sql!(SELECT) }", "E0708"),
        ("fun f() { let o = [...[1]]; }", "E0709"),
        ("fun f() { let o = :done; }", "E0710"),
        ("fun f() { yield 1 }", "E0711"),
        ("fun f() { let n = null; }", "E0712"),
        ("fun f(n: i64) { n++; }", "E0714"),
        ("fun f(n: Box<dyn Show>) { }", "E0715"),
        ("fun f() { mod m { } }", "E0720"),
    ],
)
def test_constructs_that_the_target_does_not_have_are_an_error_with_a_code(source, code):
    found = errors_of(f"{source}\nfun main() {{ println(1); }}")
    assert [one.code for one in found] == [code]
