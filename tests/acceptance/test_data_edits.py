"""Edits of types that reach others through arrays and tuples: the program is that of a build from nothing, and what
cannot look otherwise is not compiled."""

from __future__ import annotations

import pytest

import orchestrator

pytestmark = pytest.mark.anyio

PROJECT = {
    "shape.ruchy": """pub struct P { pub x: i64, pub name: String }
pub fun make(n: i64) -> P { P { x: n, name: "p" + n } }
pub fun area() -> i64 { 7 }
""",
    "lists.ruchy": """use shape::make;
pub fun many(n: i64) -> [(shape::P, [i64])] { let mut out = []; for i in 0..n { out.push((make(i), [i])) } out }
pub fun first(n: i64) { many(n)[0] }
pub fun none() -> [i64] { [] }
""",
    "total.ruchy": """use lists::many;
pub fun total() -> i64 { let mut t = 0; for p in many(4) { t += p.0.x + p.1[0] } t }
pub fun text() -> String { "" + many(2) }
pub fun empty() -> i64 { lists::none().len() + shape::area() }
""",
    "main.ruchy": """use total::{total, text, empty};
let mut log = [];
fun note(s: String) { log.push(s) }
fun main() {
    note("q");
    println(total(), text(), empty(), lists::first(1).0.name, lists::many(1) == lists::many(1), log)
}
""",
}

GROWN = '[(P {name: "p0", tags: ["t"], x: 0}, [0], true), (P {name: "p1", tags: ["t"], x: 1}, [1], true)]'
SHAPES = {"shape::make", "lists::many", "lists::first", "total::total", "total::text", "main::main"}
EDITS: list[tuple[str, list[tuple[str, str, str]], str, set[str]]] = [
    (
        "fields change places",
        [("shape.ruchy", "pub x: i64, pub name: String", "pub name: String, pub x: i64")],
        '12 [(P {name: "p0", x: 0}, [0]), (P {name: "p1", x: 1}, [1])] 7 p0 true ["q"]\n',
        SHAPES,
    ),
    (
        "a field is narrower",
        [("shape.ruchy", "pub x: i64", "pub x: i32"), ("shape.ruchy", "x: n", "x: n as i32")],
        '12 [(P {name: "p0", x: 0}, [0]), (P {name: "p1", x: 1}, [1])] 7 p0 true ["q"]\n',
        SHAPES,
    ),
    (
        "a field is added",
        [("shape.ruchy", "pub name", "pub tags: [String], pub name"), ("shape.ruchy", "x: n as", "tags: [], x: n as")],
        '12 [(P {name: "p0", tags: [], x: 0}, [0]), (P {name: "p1", tags: [], x: 1}, [1])] 7 p0 true ["q"]\n',
        SHAPES,
    ),
    (
        "a body",
        [("shape.ruchy", "tags: []", 'tags: ["t"]')],
        '12 [(P {name: "p0", tags: ["t"], x: 0}, [0]), (P {name: "p1", tags: ["t"], x: 1}, [1])] 7 p0 true ["q"]\n',
        {"shape::make"},
    ),
    (
        "a tuple in a signature grows",
        [("lists.ruchy", "[i64])]", "[i64], bool)]"), ("lists.ruchy", "[i])", "[i], true)")],
        f'12 {GROWN} 7 p0 true ["q"]\n',
        SHAPES - {"shape::make"},
    ),
    (
        "what a function puts into an array of the top level",
        [("main.ruchy", "log.push(s)", "log.push(s.len())")],
        f"12 {GROWN} 7 p0 true [1]\n",
        {"main::note", "main::main", "main::<top>"},
    ),
]


async def test_types_that_reach_others_through_arrays():
    async with orchestrator.open(orchestrator.Sources(dict(PROJECT))) as project:
        assert (await project.build()).success
        for name, edits, wanted, compiled in EDITS:
            for path, old, new in edits:
                assert old in project.sources[path], name
                project.sources[path] = project.sources[path].replace(old, new)
            result = await project.build()
            assert result.success, (name, result.diagnostics)
            assert (await project.run()).stdout.decode() == wanted, name
            assert {one for one in result.reasons if "::" in one} == compiled, name
            texts = {path: project.sources[path] for path in PROJECT}
            async with orchestrator.open(orchestrator.Sources(texts)) as other:
                assert (await other.build()).success
                assert (await other.run()).stdout.decode() == wanted, name
