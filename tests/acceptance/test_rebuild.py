"""Acceptance, "Incremental rebuild": rebuild-1 to rebuild-10 under `transitive` and under `precise`, through the public
API, on the real toolchain and the real cache, on both backends."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.events import CompileStarted, GraphResolved, SourceRead
from tests.acceptance.acceptance_tools import Bench, independent, opened, output_of, write

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["transitive", "precise"])
def mode(request: pytest.FixtureRequest) -> str:
    """What a change below asks for."""
    return str(request.param)


async def clean_program(folder: Path, scratch: Path) -> bytes:
    """The program that a build from an empty cache makes of the same sources."""
    copy_sources(folder, scratch)
    async with opened(scratch) as fresh:
        result = await fresh.build()
    assert result.program is not None
    return result.program.read_bytes()


def copy_sources(folder: Path, target: Path) -> None:
    for file in folder.rglob("*.ruchy"):
        copy = target / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


def compiled(bench: Bench) -> list[str]:
    return sorted(event.module for event in bench.happened(CompileStarted))


async def test_rebuild_1_no_change(mode: str, tmp_path: Path) -> None:
    write(tmp_path, **independent(10))
    async with opened(tmp_path, invalidation=mode) as bench:
        first = await bench.build()
        assert (first.success, first.compiled_modules, first.cache_hits) == (True, 10, 0)
        second = await bench.build()
        assert (second.success, second.compiled_modules, second.cache_hits) == (True, 0, 10)
        assert second.recompiled == []
        assert bench.sources_read() == [] and bench.happened(SourceRead) == [] and compiled(bench) == []
    async with opened(tmp_path, invalidation=mode) as bench:
        third = await bench.build()
        assert (third.compiled_modules, third.cache_hits) == (0, 10)
        assert bench.sources_read() == [] and compiled(bench) == []


async def test_rebuild_2_single_file(mode: str, tmp_path: Path) -> None:
    write(tmp_path, **independent(10))
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(module5="pub fun func5() -> i64 { 999 }\n")
        result = await bench.build()
        assert result.recompiled == ["module5"]
        assert (result.compiled_modules, result.cache_hits) == (1, 9)
        assert bench.sources_read() == ["module5.ruchy"]
        assert compiled(bench) == ["module5"]
        assert result.reasons["module5"].kind == "source"


async def test_rebuild_3_dependency(mode: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        a="use b::value;\npub fun doubled() -> i64 { value() * 2 }\n",
        b="pub fun value() -> i64 { 1 }\n",
        c="pub fun alone() -> i64 { 3 }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(b="pub fun value() -> i64 { 2 }\n")
        result = await bench.build()
        if mode == "precise":
            assert (result.recompiled, result.cache_hits) == (["b"], 2)
            assert set(result.reasons) == {"b", "b::value"}
            return
        assert result.recompiled == ["a", "b"]
        assert result.cache_hits == 1
        assert (result.reasons["a"].kind, result.reasons["a"].via) == ("import", ("b",))


async def test_rebuild_4_transitive(mode: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        a="use b::middle;\npub fun top() -> i64 { middle() }\n",
        b="use c::base;\npub fun middle() -> i64 { base() }\n",
        c="pub fun base() -> i64 { 1 }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(c="pub fun base() -> i64 { 2 }\n")
        assert (await bench.build()).recompiled == (["a", "b", "c"] if mode == "transitive" else ["c"])


async def test_rebuild_5_cycle(mode: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        main="fun main() { println(a::funcA(3), b::funcB(4)); }\n",
        a="use b::funcB;\npub fun funcA(n: i64) -> i64 { if n == 0 { 0 } else { 1 + funcB(n - 1) } }\n",
        b="use a::funcA;\npub fun funcB(n: i64) -> i64 { if n == 0 { 0 } else { 10 + funcA(n - 1) } }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        assert (await bench.build()).success
        assert await output_of(bench.project) == "12 22\n"
        bench.write(b="use a::funcA;\npub fun funcB(n: i64) -> i64 { if n == 0 { 0 } else { 100 + funcA(n - 1) } }\n")
        result = await bench.build()
        assert result.success
        assert result.recompiled == (["a", "b", "main"] if mode == "transitive" else ["b"])  # main uses both
        assert await output_of(bench.project) == "102 202\n"


async def test_rebuild_7_diamond(mode: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(
        tmp_path,
        main="fun main() { println(b::left() + c::right()); }\n",
        b="use d::base;\npub fun left() -> i64 { base() + 1 }\n",
        c="use d::base;\npub fun right() -> i64 { base() + 2 }\n",
        d="pub fun base() -> i64 { 10 }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(d="pub fun base() -> i64 { 20 }\n")
        assert (await bench.build()).recompiled == (["b", "c", "d", "main"] if mode == "transitive" else ["d"])
        bench.write(b="use d::base;\npub fun left() -> i64 { base() + 5 }\n")
        result = await bench.build()
        assert result.recompiled == (["b", "main"] if mode == "transitive" else ["b"])
        assert await output_of(bench.project) == "47\n"
        assert result.program is not None
        assert result.program.read_bytes() == await clean_program(tmp_path, tmp_path_factory.mktemp("clean"))


async def test_rebuild_8_types(mode: str, tmp_path: Path) -> None:
    users = 'use types::UserId;\npub fun get_user(id: UserId) -> String { "user " + id.to_string() }\n'
    write(tmp_path, types="pub type UserId = i32;\n", users=users)
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        before = await bench.project.cache.lookup("users")
        bench.write(types="pub type UserId = i64;\n")
        result = await bench.build()
        assert result.recompiled == ["types", "users"]
        after = await bench.project.cache.lookup("users")
    assert before is not None and after is not None
    # The signature itself: (i32) -> i32 became (i64) -> i32, in the type section.
    narrow, wide = bytes((0x60, 1, 0x7F, 1, 0x7F)), bytes((0x60, 1, 0x7E, 1, 0x7F))
    assert narrow in before.data and after.data.count(wide) > before.data.count(wide)


async def test_rebuild_9_batch(mode: str, tmp_path: Path) -> None:
    write(tmp_path, **independent(20))
    changed = [f"module{number}" for number in (2, 7, 11, 13, 20)]
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(**{name: f"pub fun {name}_new() -> i64 {{ 0 }}\n" for name in changed})
        result = await bench.build()
        assert result.recompiled == sorted(changed)
        assert result.cache_hits == 15
        assert len(bench.happened(GraphResolved)) == 1


async def test_rebuild_10_graph(mode: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        a="use b::B;\nuse c::C;\npub fun make(b: B, c: C) -> i64 { 0 }\n",
        b="use d::D;\npub struct B { pub d: D }\n",
        c="use d::D;\npub struct C { pub d: D }\n",
        d="pub struct D { pub n: i64 }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        graph = await bench.project.graph()
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    assert list(graph.edges) == edges
    assert all(graph.has_edge(*edge) for edge in edges) and not graph.has_edge("a", "d")
    assert graph.dependencies("a", transitive=True) == ["b", "c", "d"]
    assert graph.dependents("d") == ["b", "c"]
    assert graph.dependents("d", transitive=True) == ["a", "b", "c"]
    assert compiled(bench) == []  # Looking at the graph compiles nothing.


async def test_touching_a_file_compiles_nothing(mode: str, tmp_path: Path) -> None:
    write(tmp_path, **independent(3))
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        (tmp_path / "module2.ruchy").touch()
        result = await bench.build()
        assert (result.recompiled, result.cache_hits) == ([], 3)
        assert bench.sources_read() == ["module2.ruchy"]
        await bench.build()
        assert bench.sources_read() == []  # Its new stamp is known now.


async def test_inferred_dependencies_count_like_explicit_ones(mode: str, tmp_path: Path) -> None:
    write(tmp_path, a="pub fun top() -> i64 { b::value() }\n", b="pub fun value() -> i64 { 1 }\n")
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(b="pub fun value() -> i64 { 2 }\n")
        assert (await bench.build()).recompiled == (["a", "b"] if mode == "transitive" else ["b"])


async def test_a_module_that_goes_away_is_missed_by_those_who_use_it(mode: str, tmp_path: Path) -> None:
    write(tmp_path, a="use b::value;\npub fun top() -> i64 { value() }\n", b="pub fun value() -> i64 { 1 }\n")
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        (tmp_path / "b.ruchy").unlink()
        result = await bench.build()
        assert (result.success, result.failed) == (False, ["a"])
        assert [(found.code, found.file, found.line) for found in result.diagnostics] == [("E0501", "a.ruchy", 1)]
        bench.write(b="pub fun value() -> i64 { 1 }\n")
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, [])
