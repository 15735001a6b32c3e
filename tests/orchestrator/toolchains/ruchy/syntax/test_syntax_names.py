"""Which names occur in a function: a name that is missed is a dependency that is lost."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.syntax.lexer import scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.names import occurrences


def names(text: str) -> set[str]:
    tokens = tokens_of(scan(text))
    return {path[0] for path, _ in occurrences(tokens, 0, len(tokens.kinds) - 1)}


@pytest.mark.parametrize(
    "nested",
    [
        "fun g(x) { helper(x) }",
        "fun g({ a, b }) { helper(a) }",
        "fun g(P { a, b: c }, x) { helper(a) }",
        "fun g([a, ..rest]) -> i64 { helper(a) }",
        "fun g(x = helper(1)) { x }",
        "fun g(x = { a: 1 }) { helper(x.a) }",
        "fun g(x) requires match x { 1 => true, _ => false } { helper(x) }",
        "fun g(x) ensures result > helper(x) { x }",
    ],
)
def test_a_nested_function_does_not_see_the_variables_around_it(nested: str) -> None:
    assert "helper" in names(f"fun f() {{ let helper = 1; {nested} g(1); }}")


def test_variables_are_no_names_of_items() -> None:
    assert "helper" not in names("fun f() { let helper = 1; println(helper); fun g(x) { x } println(helper) }")
    assert "x" not in names("fun f() { fun g(x, y) { x + y } g(1, 2) }")
