"""Edits of the types of tuples, array elements, fields and variants, three imports away: each build gives the program
of a build from nothing."""

from __future__ import annotations

import pytest

import orchestrator

pytestmark = pytest.mark.anyio

PROJECT = {
    "kinds.ruchy": """pub type Pair = (i64, i64);
pub type Row = [i64];
pub struct Cell { pub at: i64, pub n: i64 }
pub enum Step { Wait, Go(i64) }
""",
    "make.ruchy": """use kinds::{Pair, Row, Cell, Step};
pub fun pair() -> Pair { (1, 2) }
pub fun row() -> Row { [3, 4] }
pub fun cell() -> Cell { Cell { at: 5, n: 6 } }
pub fun step() -> Step { Step::Go(7) }
""",
    "pass.ruchy": """pub fun pair() { make::pair() }
pub fun row() { make::row() }
pub fun both() { (make::cell(), [make::step()]) }
""",
    "main.ruchy": """fun main() {
    println(pass::pair(), pass::pair().0)
    println(pass::row(), pass::row()[0])
    println(pass::both(), (pass::both().0).n, pass::both() == pass::both())
}
""",
}
EDITS = (
    ("type Pair = (i64, i64)", "type Pair = (f64, i64)",
     "(1.0, 2) 1.0\n[3, 4] 3\n(Cell {at: 5, n: 6}, [Go(7)]) 6 true\n"),
    ("type Pair = (f64, i64)", "type Pair = (i8, f64)",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6}, [Go(7)]) 6 true\n"),
    ("type Row = [i64]", "type Row = [f64]",
     "(1, 2.0) 1\n[3.0, 4.0] 3.0\n(Cell {at: 5, n: 6}, [Go(7)]) 6 true\n"),
    ("type Row = [f64]", "type Row = [u8]",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6}, [Go(7)]) 6 true\n"),
    ("pub n: i64", "pub n: f64",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6.0}, [Go(7)]) 6.0 true\n"),
    ("pub at: i64, pub n: f64", "pub n: f64, pub at: i8",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6.0}, [Go(7)]) 6.0 true\n"),
    ("Wait, Go(i64)", "Go(f64), Wait",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6.0}, [Go(7.0)]) 6.0 true\n"),
    ("Go(f64), Wait", "Wait, Stop(String), Go(i8)",
     "(1, 2.0) 1\n[3, 4] 3\n(Cell {at: 5, n: 6.0}, [Go(7)]) 6.0 true\n"),
)  # fmt: skip


async def test_types_of_a_module_that_is_far_away():
    async with orchestrator.open(orchestrator.Sources(dict(PROJECT))) as project:
        assert (await project.build()).success
        for old, new, wanted in EDITS:
            assert old in project.sources["kinds.ruchy"]
            project.sources["kinds.ruchy"] = project.sources["kinds.ruchy"].replace(old, new)
            result = await project.build()
            assert result.success, (new, result.diagnostics)
            texts = {path: project.sources[path] for path in PROJECT}
            async with orchestrator.open(orchestrator.Sources(texts)) as other:
                full = await other.build()
                assert full.success
                assert result.program is not None and full.program is not None
                assert result.program.read_bytes() == full.program.read_bytes(), new
            assert (await project.run()).stdout.decode() == wanted
