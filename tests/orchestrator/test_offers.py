"""What is said of a name that another module has."""

from __future__ import annotations

import pytest

from orchestrator import Sources
from orchestrator.api import open as opened

pytestmark = pytest.mark.anyio

GEOMETRY = """pub fun area(n: i64) -> i64 { n }
pub struct P { pub x: i64 }
pub const K: i64 = 1;
pub type T = P;
fun hidden() { }
pub mod m { pub fun deep() { } }
"""
ADD = "`geometry` has it: add `use geometry::{};`"
MODULE = "`geometry` is a module: what it has is written `geometry::...`"
CASES = [
    ("area(1)", ADD.format("area")),
    ("let x = K", ADD.format("K")),
    ("let p = P { x: 1 }", ADD.format("P")),
    ("let p: T = 1", ADD.format("T")),
    ("deep()", ADD.format("m::deep")),
    ("hidden()", "`geometry` has it, and it is private there: write `pub` before it (line 5)"),
    ("geometry.area(1)", MODULE),
    ("geometry(1)", MODULE),
    ("aera(1)", ""),
]


@pytest.mark.parametrize(("statement", "hint"), CASES)
async def test_a_name_that_another_module_has_is_offered(statement: str, hint: str) -> None:
    """In a build upon one that was well, too: the module is none that the failing one looked at."""
    good = "fun main() { }\n"
    sources = Sources({"geometry.ruchy": GEOMETRY, "main.ruchy": good})
    async with opened(sources, jobs=1) as project:
        assert (await project.build()).success
        sources["main.ruchy"] = f"fun main() {{\n {statement};\n}}\n"
        result = await project.build()
        assert [(one.line, one.hint) for one in result.diagnostics] == [(2, hint)]
        sources["geometry.ruchy"] = "pub fun other() { }\n"
        result = await project.build()
        offered = MODULE if "geometry" in statement else ""
        assert [(one.line, one.hint) for one in result.diagnostics] == [(2, offered)]
        sources["main.ruchy"] = good
        assert (await project.build()).success


async def test_several_modules_have_it() -> None:
    modules = {f"{name}.ruchy": "pub fun f() { }\n" for name in ("a", "b")}
    async with opened(Sources({**modules, "main.ruchy": "fun main() { f() }"}), jobs=1) as project:
        (found,) = (await project.build()).diagnostics
        assert found.hint == "other modules have it: add `use a::f;` or `use b::f;`"
