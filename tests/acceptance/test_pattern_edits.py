"""Edits of what patterns take apart, modules away: a `match` that an edit makes incomplete is told, and the program is
that of a build from nothing."""

from __future__ import annotations

import pytest

import orchestrator

pytestmark = pytest.mark.anyio

PROJECT = {
    "shape.ruchy": """pub struct Size { pub w: i64, pub h: i64 }
pub enum Shape { Dot, Box(Size) }
pub fun make(n: i64) -> Shape { if n == 0 { Shape::Dot } else { Shape::Box(Size { w: n, h: n + 1 }) } }
""",
    "lists.ruchy": """use shape::make;
pub fun some(n: i64) -> Option<shape::Shape> { if n < 0 { None } else { Some(make(n)) } }
pub fun other() -> i64 { 5 }
""",
    "area.ruchy": """use shape::Shape;
pub fun area(n: i64) -> i64 {
    match lists::some(n) {
        None => -1,
        Some(Shape::Dot) => 0,
        Some(Shape::Box({ w, h })) => w * h,
    }
}
pub fun untouched() -> i64 { lists::other() }
""",
    "main.ruchy": """fun main() { println(area::area(-1), area::area(0), area::area(3), area::untouched()) }
""",
}


async def test_a_match_that_an_edit_elsewhere_makes_incomplete():
    async with orchestrator.open(orchestrator.Sources(dict(PROJECT))) as project:

        def edit(path: str, old: str, new: str) -> None:
            assert old in project.sources[path]
            project.sources[path] = project.sources[path].replace(old, new)

        async def printed() -> str:
            result = await project.build()
            assert result.success, result.diagnostics
            texts = {path: project.sources[path] for path in PROJECT}
            async with orchestrator.open(orchestrator.Sources(texts)) as other:
                assert (await other.build()).success
                assert (await other.run()).stdout == (await project.run()).stdout
            return (await project.run()).stdout.decode()

        assert await printed() == "-1 0 12 5\n"
        edit("shape.ruchy", "Dot,", "Dot, Line(i64),")
        result = await project.build()
        errors = [(one.code, one.file, one.line) for one in result.diagnostics if one.severity == "error"]
        assert errors == [("E0270", "area.ruchy", 3)]
        assert "Some(Shape::Line(_))" in result.diagnostics[0].message
        edit("area.ruchy", "None =>", "Some(Shape::Line(n)) => n,\n        None =>")
        assert await printed() == "-1 0 12 5\n"
        edit("shape.ruchy", "if n == 0 { Shape::Dot }", "if n == 0 { Shape::Line(8) }")
        assert await printed() == "-1 8 12 5\n"
        edit("shape.ruchy", "pub w: i64, pub h: i64", "pub name: String, pub h: i64, pub w: i64")
        edit("shape.ruchy", "Size { w: n", 'Size { name: "s", w: n')
        result = await project.build()
        assert {one for one in result.reasons if "::" in one} == {"shape::make", "lists::some", "area::area"}
        assert await printed() == "-1 8 12 5\n"
