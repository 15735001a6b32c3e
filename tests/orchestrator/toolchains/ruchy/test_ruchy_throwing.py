"""`throw`, `try`, `catch` and `finally`: what is released, what other modules see, and what is compiled again."""

from __future__ import annotations

import pytest

import orchestrator
from tests.helpers.programs import build, compile_text, errors_of, run, run_text

PAGE = 65536
TURNS = """
struct Node { name: String, items: [String] }
fun deep(n: i64, held: Node) -> Node {
    let mine = f"held {n}";
    let xs = [mine, held.name, f"x {n}"];
    if n == 0 { throw f"deep {xs.len()}"; }
    let r = deep(n - 1, Node { name: f"n {n}", items: xs + [f"y {n}"] });
    Node { name: r.name + mine, items: r.items }
}
fun add(xs: &mut [String], n: i64) -> String {
    xs.push(f"start {n}");
    if n % 2 == 0 { throw f"even {n}"; }
    xs.pop();
    f"ok {n}"
}
fun one(n: i64) -> String { if n % 3 == 0 { throw f"three {n}"; } f"one {n}" }
fun pair(n: i64) -> (String, String) { (f"a {n}", one(n) + one(n + 1)) }
fun last(n: i64) -> String {
    let t = f"t {n}";
    try {
        let u = f"u {n}";
        if n % 2 == 0 { return u + t; }
        if n % 5 == 0 { throw u; }
        u
    } finally {
        let w = f"w {n}" + t;
        if w.len() < 0 { println(w); }
    }
}
let mut shared = ["a"];
let mut b = Node { name: "b", items: [] };
let mut caught = 0;
for i in 0..TURNS {
    try { let r = deep(3, Node { name: f"s {i}", items: [f"i {i}"] }); println(r.name); } catch e { caught += 1; }
    try { add(&mut b.items, i); } catch e { b.items.pop(); caught += 1; }
    try { add(&mut shared, i); } catch e { shared.pop(); caught += 1; }
    let x = try { let (p, q) = pair(i); p + q } catch e { e + "!" };
    let y = try { last(i) + last(i + 1) } catch (e) { e };
    let z = try { [f"q {i}", one(i), f"z {i}"].len() } catch e { 0 };
    let w = try { f"before {i} {one(i)} after" } catch e { e + e };
    if x.len() + y.len() + z + w.len() < 0 { println(x); }
}
println(caught, shared, b.items);
"""


def test_what_is_held_is_released() -> None:
    ran = run_text(TURNS.replace("TURNS", "8000"), memory_limit=6 * PAGE)
    assert (ran.code, ran.stdout, ran.stderr) == (0, '16000 ["a"] []\n', "")


@pytest.mark.slow
def test_a_million_throws() -> None:
    ran = run_text(TURNS.replace("TURNS", "250000"), memory_limit=6 * PAGE)
    assert (ran.code, ran.stdout) == (0, '500000 ["a"] []\n')


def test_a_program_that_throws_nothing_asks_for_nothing() -> None:
    program = compile_text("fun f(n: i64) -> i64 { n }\nfun main() { println(f(1)) } // try to throw nothing")
    assert program == compile_text("fun f(n: i64) -> i64 { n }\nfun main() { println(f(1)) }")


C = 'pub fun c(n: i64) -> String { if n > 2 { throw f"c {n}"; } f"fine {n}" }\n'


def test_another_module_catches() -> None:
    main = """use c::c;
fun main() {
    println(try { c(1) } catch e { "caught " + e });
    println(try { c(3) } catch e { "caught " + e });
    c(4);
}
"""
    built = build({"main.ruchy": main, "c.ruchy": C})
    assert built.program is not None, built.errors()
    ran = run(built.program)
    assert (ran.code, ran.stdout) == (134, "fine 1\ncaught c 3\n")
    assert "c.ruchy:1: uncaught: c 4" in ran.stderr


def test_a_module_without_the_words_hands_nothing_on() -> None:
    b = "use c::c;\npub fun b(n: i64) -> String { c(n) }\n"
    main = 'use b::b;\nfun main() { println(b(1)); println(try { b(3) } catch e { "caught" }); }\n'
    built = build({"main.ruchy": main, "b.ruchy": b, "c.ruchy": C})
    assert built.program is not None, built.errors()
    ran = run(built.program)
    assert (ran.code, ran.stdout) == (134, "fine 1\n")
    assert "c.ruchy:1: uncaught: c 3" in ran.stderr


@pytest.mark.parametrize(
    "source",
    [
        "const A: i64 = try { 1 } catch e { 2 };\nfun main() { println(A) }",
        "fun main() { try { println(1) } finally { return } }",
        "fun f() -> Option<i64> { try { Some(1) } finally { let x = Some(1)?; println(x) } }\nfun main() { f(); }",
        "fun main() { try { println(1) } finally { try { println(2) } finally { println(3) } } }",
        "fun main() { try { println(1) } finally { let f = |x: i64| x; println(f(1)) } }",
    ],
)
def test_what_is_refused(source: str) -> None:
    assert {one.code for one in errors_of(source)} == {"E0720"}


def test_a_jump_out_of_finally() -> None:
    found = errors_of("fun main() { for i in 0..3 { try { println(i) } finally { break } } }")
    assert {one.code for one in found} == {"E0007"}


CHAIN = {
    "main.ruchy": 'use a::a;\nfun main() { println(try { a(3) } catch e { "caught " + e }) }\n',
    "a.ruchy": "use b::b; use c::other;\n"
    'pub fun a(n: i64) -> String { try { b(other(n) - 1) } catch e { throw e + "!" } }\n',
    "b.ruchy": 'use c::c;\npub fun b(n: i64) -> String { try { c(n) } finally { println("b") } }\n',
    "c.ruchy": 'pub fun c(n: i64) -> String { f"fine {n}" }\npub fun other(n: i64) { n + 1 }\n',
}


async def built_by(project: orchestrator.Project) -> bytes:
    result = await project.build()
    assert result.success and result.program is not None, result.diagnostics
    return result.program.read_bytes()


@pytest.mark.anyio
@pytest.mark.parametrize("invalidation", ["transitive", "precise"])
async def test_a_function_three_imports_away_begins_to_throw(invalidation: str) -> None:
    sources = orchestrator.Sources(CHAIN)
    async with orchestrator.open(sources, invalidation=invalidation, profile="release") as project:
        assert run(await built_by(project)).stdout == "b\nfine 3\n"
        for text in (
            C + "pub fun other(n: i64) { n + 1 }\n",
            CHAIN["c.ruchy"],
            C + "pub fun other(n: i64) { n + 2 }\n",
        ):
            sources["c.ruchy"] = text
            edited = await built_by(project)
            async with orchestrator.open(orchestrator.Sources({**CHAIN, "c.ruchy": text}), profile="release") as fresh:
                assert edited == await built_by(fresh)
        assert run(edited).stdout == "b\ncaught c 4!\n"
