"""A syntax error hides nothing but what it stands in, and nothing is said that follows from it."""

from __future__ import annotations

import pytest

from tests.orchestrator.toolchains.ruchy.check.checking import check_text

WRONG = "fun wrong() -> i64 { true }\n"

BROKEN = {
    "a body": "fun b(n: i64) -> i64 {\n    n +\n}\n",
    "a body without ->": "fun b(n: i64) { let x = ; }\n",
    "a body whose parameters have no types": "fun b(n) -> i64 { n + }\n",
    "a literal in a body": "fun b(n: i64) -> i64 { 99999999999999999999 }\n",
    "a stray character in a body": "fun b(n: i64) -> i64 { n § 1 }\n",
    "an unsupported thing in a body": "fun b(n: i64) -> i64 { null }\n",
    "a header": "fun b(n: ) -> i64 { n }\n",
    "no name of a parameter": "fun b(: i64) -> i64 { n }\n",
    "two bodies": "fun b(n: i64) -> i64 { n + }\nfun c() { let = 3; }\n",
    "an inline module": "mod b { pub fun c(n: i64) -> i64 { n + } fun d( }\n",
    "a struct": "struct B { x: , y: i64 }\n",
    "a constant": "const b: i64 = ;\n",
    "an alias": "type b = ;\n",
    "an actor": "actor b { }\n",
    "a statement of the top level": "let b = ;\n",
}
USES = {
    "a struct": "fun use_it() { let x = B { x: 1, y: 2 }; println(x.y); }\n",
    "an actor": "fun use_it() { let x = b(); println(x); }\n",
    "an alias": "fun use_it(x: b) -> b { x }\n",
    "a constant": "fun use_it() { println(b + 1); }\n",
    "a statement of the top level": "println(b + 1);\n",
    "an inline module": "fun use_it() { println(b::c(1) + 1); b::d(); }\n",
    "two bodies": "fun use_it() { println(b(1)); c(); }\n",
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("first", [True, False])
def test_a_syntax_error_hides_no_type_error_of_others_and_has_no_consequences(what: str, first: bool) -> None:
    used = USES.get(what, "fun use_it() { let x: i64 = b(1); println(x); }\n")
    around = used + WRONG
    source = BROKEN[what] + around if first else around + BROKEN[what]
    checked = check_text(source)
    assert checked.module is None
    broken = {source[: source.index(BROKEN[what])].count("\n") + 1 + line for line in range(BROKEN[what].count("\n"))}
    others = [(one.code, one.line) for one in checked.diagnostics if one.line not in broken]
    assert others == [("E0401", source[: source.index("true")].count("\n") + 1)]
    assert any((one.line in broken and one.code < "E0100") or one.code[:3] == "E07" for one in checked.diagnostics)
    assert all(one.code != "E0901" for one in checked.diagnostics)


def test_calls_of_a_broken_function_are_held_against_its_header() -> None:
    checked = check_text("fun b(n: i64) -> String { n + }\nfun main() { let x: i64 = b(true); }\n")
    assert [(one.code, one.line) for one in checked.diagnostics] == [("E0003", 1), ("E0201", 2), ("E0204", 2)]


def test_every_broken_function_is_told() -> None:
    source = "".join(f"fun f{number}() {{ let x = ; }}\nfun g{number}() -> i64 {{ true }}\n" for number in range(5))
    checked = check_text(source)
    assert [(one.code, one.line) for one in checked.diagnostics] == [
        pair for line in range(1, 11, 2) for pair in (("E0003", line), ("E0401", line + 1))
    ]


def test_a_body_that_is_never_closed_takes_the_rest_along_in_silence() -> None:
    source = "fun a() { c(); let x: i64 = true; }\nfun b() { if true {\nfun c() { a(); }\n"
    assert [(one.code, one.line) for one in check_text(source).diagnostics] == [("E0201", 1), ("E0002", 3)]
