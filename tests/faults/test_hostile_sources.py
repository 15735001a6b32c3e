"""Sources that strangers wrote: an error with a code, in time and memory that grow as the text does.

Time is counted in calls of functions, the interpreter's own included: twice the text may take little more than twice
the calls. `docs/security.md` states the multiples that are held here.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Mapping

import pytest

from actors.diagnostics import LONGEST_LINE, MOST, Diagnostic, bounded
from actors.planner.resolve import HINTS
from orchestrator.toolchains.ruchy.syntax.parser import parse
from tests.helpers.programs import BuiltProgram, build
from tests.helpers.untrusted_values import LONG

Make = Callable[[int], str | dict[str, str]]

MULTIPLE = 1_000
"""Bytes of memory for each byte of source, at most: reading takes some 250, the rest is compiling and linking."""
FIXED = 2 << 20
"""Bytes that any build takes, the runtime library among them."""

MAIN = "fun main() { }\n"


def sources(made: str | dict[str, str]) -> dict[str, str]:
    return {"main.ruchy": MAIN + made} if isinstance(made, str) else made


def calls(function: Callable[[], object]) -> int:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def memory(made: Mapping[str, str]) -> tuple[BuiltProgram, float]:
    """What a build takes at its peak, above what any takes, in bytes a byte of source."""
    tracemalloc.start()
    try:
        built = build(made)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return built, max(0, peak - FIXED) / sum(map(len, made.values()))


def lines(count: int, line: str) -> str:
    return "".join(line.replace("#", str(number)).replace("%", str(number + 1)) for number in range(count))


def one_line(text: str) -> str:
    return f"fun f() {{ {text} }}\n"


# name -> (how it is made, lines of the small case, codes of its errors)
GROWING: dict[str, tuple[Make, int, set[str]]] = {
    "stray characters on one line": (lambda n: "\n" + "§" * n, 400, {"E0023"}),
    "escapes on one line": (lambda n: one_line('"' + "\\q" * n + '"'), 400, set()),
    "bad numbers on one line": (lambda n: one_line("1k " * n), 300, {"E0027", "E0029"}),
    "broken statements on one line": (lambda n: one_line("let; " * n), 150, {"E0011"}),
    "unused variables on one line": (lambda n: one_line("{ let a = 1; } " * n), 100, set()),
    "unknown functions": (lambda n: one_line(lines(n, "nam#x();\n")) + lines(n, "fun nam#y() {}\n"), 60, {"E0102"}),
    "unknown names": (lambda n: one_line(lines(n, "nam#x + 1;\n") + lines(n, "let nam#y = 1;\n")), 60, {"E0101"}),
    "imports of nothing": (lambda n: lines(n, "use nam#x::z;\n"), 100, {"E0501"}),
    "a long name": (lambda n: one_line("a" * n), 4000, {"E0028"}),
    "a long number": (lambda n: one_line("let a = " + "9" * n), 4000, {"E0022"}),
    "a path of many parts": (lambda n: one_line("a::" * n + "a()"), 300, {"E0803"}),
    "an import of many parts": (lambda n: "use " + "a::" * n + "a;", 300, {"E0803"}),
    "constants in a chain": (lambda n: lines(n, "const A# = A% + 1;\n") + f"const A{n} = 1;\n", 50, set()),
    "aliases in a chain": (lambda n: lines(n, "type A# = A%;\n") + f"type A{n} = i64;\n", 100, set()),
    "functions in a chain": (lambda n: lines(n, "fun f#(x) { f%(x) }\n") + f"fun f{n}(x) {{ x + 1 }}\n", 60, set()),
    "functions in a circle": (lambda n: lines(n, "fun f#(x) { f%(x) }\n") + f"fun f{n}(x) {{ f0(x) }}\n", 60, set()),
    "re-exports in a chain": (
        lambda n: {
            "main.ruchy": "use a0::x;\nfun main() { x() }",
            **{f"a{k}.ruchy": f"pub use a{k + 1}::*;\n" for k in range(n)},
            f"a{n}.ruchy": "pub fun x() {}",
        },
        70,
        {"E0502"},
    ),
    "many fields": (lambda n: "struct S { " + lines(n, "a#: i64, ") + "}\nfun g(s: S) { println(s == s); }", 60, set()),
}


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("name", GROWING)
def test_twice_the_text_takes_twice_the_work(name: str) -> None:
    make, small, codes = GROWING[name]
    small *= 4 if LONG else 1
    build(sources(make(3)))  # what is made once is made
    once, built = sources(make(small)), build(sources(make(2 * small)))
    assert {found.code for found in built.errors()} == codes
    assert calls(lambda: build(sources(make(2 * small)))) < 2.7 * calls(lambda: build(once))
    assert memory(sources(make(2 * small)))[1] < MULTIPLE


# What doubles with every line: each of these would take the memory of the universe.
DOUBLING: dict[str, tuple[str, set[str]]] = {
    "constants": (lines(60, "const A# = A% + A%;\n") + "const A60 = g();\nfun g() -> i64 { 1 }\n", {"E0219"}),
    "texts": (lines(60, "const A# = A% + A%;\n") + 'const A60 = "ab";\n', {"E0219"}),
    "defaults": (lines(60, "fun f#(x: i64 = f%() + f%()) -> i64 { x }\n") + "fun f60() -> i64 { 1 }\n", {"E0219"}),
    "structs": (lines(60, "struct A# { a: A%, b: A% }\n") + "struct A60 { a: i64 }\n", {"E0219"}),
}
USES = {
    "constants": "fun h() { println(A0); }",
    "texts": "fun h() { println(A0); }",
    "defaults": "fun h() { println(f0()); }",
    "structs": "fun h(a: A0, b: A0) { println(a == b); println(a); }",
}


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("name", DOUBLING)
def test_what_doubles_with_every_line_has_a_limit(name: str) -> None:
    text, codes = DOUBLING[name]
    built = build({"main.ruchy": MAIN + text + USES[name]})
    assert {found.code for found in built.errors()} == codes
    assert len(built.errors()) == 1


def test_re_exports_that_double_are_looked_through_once() -> None:
    made = {"main.ruchy": "use a0::x;\nfun main() { x() }"}
    for level in range(40):
        for one in "ab":
            made[f"{one}{level}.ruchy"] = f"pub use a{level + 1}::*;\npub use b{level + 1}::*;\n"
    made["a40.ruchy"] = made["b40.ruchy"] = "pub fun y() {}\n"
    assert calls(lambda: build(made)) < 200_000
    assert [found.code for found in build(made).errors()] == ["E0502"]


def test_a_place_of_a_long_line_takes_no_copy_of_it() -> None:
    parsed = parse("\n" + "§" * 2000)
    assert (len(parsed.findings), len(parsed.diagnostics)) == (2000, MOST)
    assert len({id(found.text) for found in parsed.diagnostics}) == 1


def test_what_is_told_of_one_module_is_bounded() -> None:
    error = Diagnostic(
        code="E0023", message="m" * 10_000, hint="h", file="f", line=1, column=900, text="§" * (LONGEST_LINE + 1)
    )
    warning = Diagnostic(
        code="W0001", message="m", severity="warning", file="f", line=1, column=1, text="§" * LONGEST_LINE
    )
    told = bounded([error, warning] * (MOST + 7))
    assert len(told) == 2 * MOST
    assert (told[0].cut, told[0].text, len(told[0].message), told[1]) == (600, "§" * 401, 2_000, warning)
    assert told[-2].hint == "h; 7 more errors in this module" and told[-1].hint == "7 more warnings in this module"
    assert bounded([warning] * MOST) == (warning,) * MOST


def test_hints_are_looked_for_a_few_times_only() -> None:
    made = {"main.ruchy": lines(HINTS + 5, "use lo#::x;\n") + "fun main() { }", "low.ruchy": "pub fun x() {}"}
    hints = [found.hint for found in build(made).errors()]
    assert sum(bool(hint) for hint in hints) == HINTS and hints[-1] == ""
