"""Acceptance, "Function level": cache-10 and function-1 to function-6, through the public API, on the real toolchain
and cache, on both backends. Functions are reused alike under both modes of invalidation; modules are not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest

from actors.events import CompileFinished, CompileStarted
from orchestrator import BuildResult, Sources
from orchestrator import open as open_project
from tests.acceptance.acceptance_tools import RuchyBench, opened, output_of, write_ruchy

pytestmark = pytest.mark.anyio

FIVE = "".join(f"pub fun f{number}(n: i64) -> i64 {{ n + {number} }}\n" for number in range(1, 6))


@pytest.fixture(params=["transitive", "precise"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def counted(result: BuildResult) -> tuple[list[str], int]:
    """The functions that were compiled, and how many were reused."""
    return result.recompiled_functions, result.cached_functions


async def objects(folder_or_sources: object, modules: list[str], mode: str) -> dict[str, bytes]:
    """What a build from an empty cache makes."""
    async with open_project(folder_or_sources, invalidation=mode) as project:  # type: ignore[arg-type]
        assert (await project.build()).success
        found = await project.cache.lookup_all(modules)
    return {name: one.data for name, one in found.items() if one is not None}


def texts(folder: Path) -> Sources:
    return Sources({str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.ruchy")})


async def same_as_fresh(bench: RuchyBench, mode: str) -> bool:
    """function-5: every object equals the one that is compiled from nothing, byte for byte."""
    graph = await bench.project.graph()
    names = sorted(graph.modules)
    found = await bench.project.cache.lookup_all(names)
    here = {name: one.data for name, one in found.items() if one is not None}
    return here == await objects(texts(bench.folder), names, mode)


async def test_cache_10_function_updates(tmp_path: Path, mode: str) -> None:
    write_ruchy(tmp_path, five=FIVE)
    async with opened(tmp_path, invalidation=mode) as bench:
        first = await bench.build()
        assert counted(first) == ([f"five::f{number}" for number in range(1, 6)], 0)
        bench.write(five=FIVE.replace("n + 3", "n * 3"))
        result = await bench.build()
        assert result.recompiled == ["five"]
        assert counted(result) == (["five::f3"], 4)
        assert result.reasons["five::f3"].kind == "source"
        assert [(one.compiled_functions, one.reused_functions) for one in bench.happened(CompileFinished)] == [(1, 4)]
        assert await same_as_fresh(bench, mode)


@pytest.mark.parametrize("size", [10, pytest.param(200, marks=pytest.mark.slow)])
async def test_function_1_isolation(tmp_path: Path, mode: str, size: int) -> None:
    text = "".join(f"fun f{number}(n: i64) -> i64 {{ n + {number} }}\n" for number in range(size))
    write_ruchy(tmp_path, large=text)
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(large=text.replace("{ n + 7 }", "{ n - 7 }"))
        assert counted(await bench.build()) == (["large::f7"], size - 1)
        assert await same_as_fresh(bench, mode)


async def test_function_2_add_delete_reorder_rename(tmp_path: Path, mode: str) -> None:
    parts = {name: f"pub fun {name}(n: i64) -> i64 {{ n + {at} }}\n" for at, name in enumerate(("a", "b", "c"))}
    user = "fun user() -> i64 { a(1) }\n"
    write_ruchy(tmp_path, m=parts["a"] + parts["b"] + parts["c"] + user)
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(m="fun new() -> i64 { 9 }\n" + parts["a"] + parts["b"] + parts["c"] + user)
        added = await bench.build()
        assert counted(added) == (["m::new"], 4)
        assert added.reasons["m::new"].kind == "new"
        assert await same_as_fresh(bench, mode)
        bench.write(m=parts["a"] + parts["c"] + user)
        assert counted(await bench.build()) == ([], 3)
        bench.write(m=user + parts["c"] + parts["a"])
        assert counted(await bench.build()) == ([], 3)
        assert await same_as_fresh(bench, mode)
        bench.write(m=parts["a"].replace("fun a", "fun z") + parts["c"] + user.replace("a(1)", "z(1)"))
        assert counted(await bench.build()) == (["m::user", "m::z"], 1)
        assert await same_as_fresh(bench, mode)


REFERENCES = {
    "shapes": "pub struct Point { pub x: i64, pub y: i64 }\npub fun make(n: i64) -> Point { Point { x: n, y: 1 } }\n"
    "pub const LIMIT: i64 = 10;\npub type Size = i64;\npub fun twice(n: i64) -> i64 { n * 2 }\n",
    "user": "use shapes::make;\nuse shapes::LIMIT;\nuse shapes::Size;\nuse shapes::twice;\n"
    "pub fun width() -> i64 { make(3).x }\npub fun most() -> i64 { LIMIT }\npub fun size(n: Size) -> i64 { n as i64 }\n"
    "pub fun four() -> i64 { twice(2) }\npub fun alone() -> i64 { 1 }\n",
}


@pytest.mark.parametrize(
    ("old", "new", "compiled"),
    [
        ("LIMIT: i64 = 10", "LIMIT: i64 = 11", ["user::most"]),
        ("type Size = i64", "type Size = i32", ["user::size"]),
        ("twice(n: i64)", "twice(n: i64, m: i64 = 2)", ["shapes::twice", "user::four"]),
        ("n * 2", "n + n", ["shapes::twice"]),
        ("pub y: i64 }", "pub y: i64, pub z: i64 = 0 }", ["shapes::make", "user::width"]),
    ],
)
async def test_function_3_references(tmp_path: Path, mode: str, old: str, new: str, compiled: list[str]) -> None:
    write_ruchy(tmp_path, **REFERENCES)
    async with opened(tmp_path, invalidation=mode) as bench:
        assert (await bench.build()).success
        bench.write(shapes=REFERENCES["shapes"].replace(old, new))
        result = await bench.build()
        assert result.success
        assert result.recompiled_functions == compiled
        for name in compiled:
            assert result.reasons[name].kind == ("source" if name == "shapes::twice" else "reference")
        assert await same_as_fresh(bench, mode)


async def test_function_3_a_type_three_modules_away(tmp_path: Path, mode: str) -> None:
    write_ruchy(
        tmp_path,
        a="pub type Id = i32;\n",
        b="pub struct Key { pub id: a::Id, pub n: i64 }\npub fun key() -> Key { Key { id: 1, n: 2 } }\n",
        c="pub struct Box { pub key: b::Key }\npub fun boxed() -> Box { Box { key: b::key() } }\n",
        d="pub fun deep() -> i64 { c::boxed().key.n }\npub fun other() -> i64 { 4 }\n",
    )
    async with opened(tmp_path, invalidation=mode) as bench:
        assert (await bench.build()).success
        bench.write(a="pub type Id = i64;\n")
        result = await bench.build()
        assert result.recompiled_functions == ["b::key", "c::boxed", "d::deep"]
        assert result.recompiled == ["a", "b", "c", "d"]
        assert await same_as_fresh(bench, mode)


async def test_function_3_what_a_name_means_counts_although_the_text_is_the_same(tmp_path: Path, mode: str) -> None:
    user = "use lib::*;\npub fun f() -> i64 { abs(0 - 3) }\npub fun g() -> i64 { 1 }\n"
    write_ruchy(tmp_path, lib="pub fun other() -> i64 { 2 }\n", user=user)
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        bench.write(lib="pub fun other() -> i64 { 2 }\npub fun abs(n: i64) -> i64 { n }\n")
        hidden = await bench.build()
        assert hidden.recompiled_functions == ["lib::abs", "user::f"]
        assert (hidden.reasons["user::f"].kind, hidden.reasons["user::f"].via) == ("reference", ("abs",))
        assert await same_as_fresh(bench, mode)
        bench.write(user=user + "fun abs(n: i64) -> i64 { n + 1 }\n")
        assert (await bench.build()).recompiled_functions == ["user::abs", "user::f"]
        assert await same_as_fresh(bench, mode)


async def test_function_3_a_call_types_an_untyped_parameter(tmp_path: Path, mode: str) -> None:
    text = "fun half(n) { n / 2 }\nfun f() -> i64 { half(9) as i64 }\nfun g() -> i64 { 1 }\n"
    write_ruchy(tmp_path, m=text)
    async with opened(tmp_path, invalidation=mode) as bench:
        assert (await bench.build()).success
        bench.write(m=text.replace("half(9)", "half(9 as i32)"))
        result = await bench.build()
        assert (result.recompiled_functions, result.cached_functions) == (["m::f", "m::half"], 1)
        assert await same_as_fresh(bench, mode)
        bench.write(m=text.replace("half(9)", "half(9 as i32)").replace("n / 2", "n / 3"))
        assert "m::half" in (await bench.build()).recompiled_functions
        assert await same_as_fresh(bench, mode)


TRAPS = "fun low(n: i64) -> i64 {\n    100 / n\n}\nfun main() {\n    println(low(5));\n    println(low(0));\n}\n"


@pytest.mark.slow
async def test_function_4_noise(tmp_path: Path, mode: str) -> None:
    write_ruchy(tmp_path, main=TRAPS)
    noisy = "// one\n\n" + TRAPS.replace("    100 / n", "\n        // here\n        100    /   n")
    async with opened(tmp_path, invalidation=mode) as bench:
        await bench.build()
        assert "main.ruchy:2" in (await bench.project.run()).stderr.decode()
        for text, line in ((noisy, 6), (noisy.replace("\n", "\r\n"), 6), (TRAPS, 2)):
            bench.write(main=text)
            result = await bench.build()
            assert (result.recompiled_functions, result.success) == ([], True)
            assert f"main.ruchy:{line}" in (await bench.project.run()).stderr.decode()
            assert await same_as_fresh(bench, mode)


async def test_function_4_warnings_move_with_their_lines(tmp_path: Path, mode: str) -> None:
    text = "fun main() {\n    let unused = 3;\n    println(1);\n}\n"
    write_ruchy(tmp_path, main=text)
    async with opened(tmp_path, invalidation=mode) as bench:
        first = await bench.build()
        assert [(one.code, one.line, one.text) for one in first.diagnostics] == [("W0004", 2, "    let unused = 3;")]
        bench.write(main="// new\n" + text)
        moved = await bench.build()
        assert moved.recompiled_functions == []
        assert [(one.code, one.line, one.text) for one in moved.diagnostics] == [("W0004", 3, "    let unused = 3;")]
        bench.write(main="// new\n" + text.replace("println(1)", "println(unused)"))
        assert (await bench.build()).diagnostics == []
        assert await output_of(bench.project) == "3\n"


@pytest.mark.slow
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # It waits for processes, and nothing else.
async def test_function_6_fingerprints_are_the_same_in_any_process(tmp_path: Path) -> None:
    """Objects hold the fingerprints of their functions: equal bytes under other hash seeds, and in another folder."""
    folders = [tmp_path / "one", tmp_path / "elsewhere" / "two"]
    code = (
        "import sys; from orchestrator import sync\n"
        "with sync.open(sys.argv[1], invalidation='precise') as project:\n"
        "    assert project.build().success\n"
        "    found = project.cache.lookup_all(['shapes', 'user'])\n"
        "    print([(one.key, one.digest) for one in found.values()])\n"
    )
    seen = set()
    for folder, seed in zip(folders, ("0", "77"), strict=True):
        folder.mkdir(parents=True)
        write_ruchy(folder, **REFERENCES)
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ran = await anyio.run_process([sys.executable, "-c", code, str(folder)], env=environment)
        seen.add(ran.stdout.decode())
    assert len(seen) == 1 and "None" not in seen.pop()


async def test_force_reuses_no_function(tmp_path: Path) -> None:
    write_ruchy(tmp_path, five=FIVE)
    async with opened(tmp_path) as bench:
        await bench.build()
        result = await bench.build(force=True)
        assert (len(result.recompiled_functions), result.cached_functions) == (5, 0)
        assert {result.reasons[name].kind for name in result.recompiled_functions} == {"forced"}


async def test_fragments_are_found_by_a_new_process_and_without_the_index(tmp_path: Path) -> None:
    write_ruchy(tmp_path, five=FIVE)
    async with opened(tmp_path) as bench:
        await bench.build()
    bench.write(five=FIVE.replace("n + 3", "n * 3"))
    async with opened(tmp_path) as bench:
        assert counted(await bench.build()) == (["five::f3"], 4)
    for file in (tmp_path / ".ruchy-cache").glob("index*"):
        file.unlink()
    bench.write(five=FIVE.replace("n + 4", "n * 4"))
    async with opened(tmp_path) as bench:
        result = await bench.build()
        assert counted(result) == (["five::f4"], 4)
        assert len(bench.happened(CompileStarted)) == 1
        assert await same_as_fresh(bench, "transitive")
