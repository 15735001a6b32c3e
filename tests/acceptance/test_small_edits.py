"""What a small edit asks for, seen through the front door: the summaries of what it reaches, the objects that come out
otherwise, and the same program as from nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from actors.events import CacheMiss, CompileStarted
from actors.messages import Find, FindFragments, FindSummaries, Message, RunCompile, StoreEntries, StoreSummaries
from actors.system import TapRecord
from orchestrator import BuildResult
from tests.acceptance.acceptance_tools import RuchyBench, opened, output_of, write_ruchy

pytestmark = pytest.mark.anyio

LAYERS = {
    "main": "use a::twice;\nfun main() { println(twice(4)); }\n",
    "a": "use b::once;\npub fun twice(n: i64) -> i64 { once(once(n)) }\n",
    "b": "use c::step;\npub fun once(n: i64) -> i64 { n + step() }\n",
    "c": "pub fun step() -> i64 { 1 }\n",
}
BESIDE = {f"side{number}": f"pub fun f{number}() -> i64 {{ {number} }}\n" for number in range(80)}


@pytest.fixture(params=["transitive", "precise"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class SeenMessages:
    """The requests of a Project's planner."""

    def __init__(self) -> None:
        self.records: list[TapRecord] = []

    def __call__(self, record: TapRecord) -> None:
        if record.kind == "post":
            self.records.append(record)

    def summaries(self) -> set[str]:
        """The paths of the texts whose summaries were looked up."""
        asked = [one.message for one in self.records if isinstance(one.message, FindSummaries)]
        return {name.partition(" ")[2] for message in asked for name in message.sources if " " in name}

    def count(self, *kinds: type[Message]) -> list[int]:
        return [sum(isinstance(one.message, kind) for one in self.records) for kind in kinds]

    def given_back(self, result: BuildResult) -> set[str]:
        """The modules whose object was had again: they count as recompiled, and no worker saw them."""
        jobs = [job for one in self.records if isinstance(one.message, RunCompile) for job in one.message.jobs]
        return set(result.recompiled) - {job.module for job in jobs}


def compiled(bench: RuchyBench) -> list[str]:
    return sorted(event.module for event in bench.happened(CompileStarted))


def copied(folder: Path, scratch: Path) -> None:
    scratch.mkdir()
    for file in folder.glob("*.ruchy"):
        (scratch / file.name).write_bytes(file.read_bytes())


async def lose(bench: RuchyBench, folder: Path, module: str) -> None:
    """Take the module's object out of the cache, behind its back."""
    found = await bench.project.cache.lookup(module)
    assert found is not None
    (folder / ".ruchy-cache" / "modules" / f"{found.digest}.wasm").unlink()


async def from_nothing(folder: Path, scratch: Path, **settings: str) -> bytes:
    copied(folder, scratch)
    async with orchestrator.open(scratch, **settings) as project:
        result = await project.build()
    assert result.program is not None
    return result.program.read_bytes()


@pytest.mark.slow
async def test_a_new_process_looks_up_what_the_edit_reaches(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS, **BESIDE)
    async with opened(folder, invalidation=mode) as bench:
        assert (await bench.build()).success
    write_ruchy(folder, b="use c::step;\npub fun once(n: i64) -> i64 { n + step() * 10 }\n")
    seen = SeenMessages()
    async with opened(folder, invalidation=mode, tap=seen) as bench:
        result = await bench.build()
        assert result.recompiled == (["a", "b", "main"] if mode == "transitive" else ["b"])
        assert result.recompiled_functions == ["b::once"]
        assert result.cache_hits == len(BESIDE) + len(LAYERS) - len(result.recompiled)
        reached = {"a.ruchy", "b.ruchy", "c.ruchy", "main.ruchy"} if mode == "transitive" else {"b.ruchy", "c.ruchy"}
        assert seen.summaries() == reached
        assert await output_of(bench.project) == "24\n"
        assert result.program is not None
        assert result.program.read_bytes() == await from_nothing(folder, tmp_path / "again", invalidation=mode)


async def test_an_edit_after_a_build_that_the_last_one_answered_for(mode: str, tmp_path: Path) -> None:
    """There the Project has the plan, and nothing of what it was made from."""
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    async with opened(folder, invalidation=mode) as bench:
        await bench.build()
    async with opened(folder, invalidation=mode) as bench:
        assert (await bench.build()).recompiled == []
        bench.write(c="pub fun step() -> i64 { 2 }\n")
        assert "c" in (await bench.build()).recompiled
        bench.write(d="pub fun more() -> i64 { 2 }\n")  # no small edit
        assert (await bench.build()).recompiled == ["d"]
        bench.write(c="use d::more;\npub fun step() -> i64 { more() }\n")  # and one that draws another graph
        assert "c" in (await bench.build()).recompiled
        bench.write(d="pub fun more() -> i64 { 7 }\n")
        assert "d" in (await bench.build()).recompiled
        assert await output_of(bench.project) == "18\n"


async def test_an_object_that_comes_out_the_same_is_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    seen = SeenMessages()
    async with opened(folder, invalidation="transitive", tap=seen) as bench:
        await bench.build()
        bench.write(c="pub fun step() -> i64 { 3 }\n")
        seen.records.clear()
        result = await bench.build()
        assert result.recompiled == compiled(bench) == ["a", "b", "c", "main"]
        assert (result.recompiled_functions, result.cached_functions) == (["c::step"], 3)
        assert seen.given_back(result) == {"a", "b", "main"}
        assert await output_of(bench.project) == "10\n"
        assert result.program is not None
        assert result.program.read_bytes() == await from_nothing(folder, tmp_path / "again")
        # Each has an entry of its own all the same, so going back and forth compiles nothing.
        bench.write(c="pub fun step() -> i64 { 1 }\n")
        assert (await bench.build()).recompiled == []


async def test_one_whose_functions_see_something_else_is_compiled(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    seen = SeenMessages()
    async with opened(folder, invalidation="transitive", tap=seen) as bench:
        await bench.build()
        bench.write(c="pub fun step(by: i64 = 5) -> i64 { by }\n")
        seen.records.clear()
        result = await bench.build()
        assert result.recompiled_functions == ["b::once", "c::step"]
        assert seen.given_back(result) == {"a", "main"}
        assert await output_of(bench.project) == "14\n"


async def test_an_object_that_was_to_be_given_back_and_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    async with opened(folder, invalidation="transitive", hot_memory="0 B") as bench:
        await bench.build()
        bench.write(c="pub fun step() -> i64 { 2 }\n")
        for file in (folder / ".ruchy-cache" / "modules").iterdir():
            file.unlink()
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, ["a", "b", "c", "main"])
        assert result.recompiled_functions == ["a::twice", "b::once", "c::step", "main::main"]
        assert await output_of(bench.project) == "8\n"


async def test_only_some_of_the_objects_that_were_to_be_given_back_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    async with opened(folder) as bench:
        await bench.build()
        await lose(bench, folder, "a")
    write_ruchy(folder, c="pub fun step() -> i64 { 2 }\n")
    async with opened(folder) as bench:
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, ["a", "b", "c", "main"])
        assert result.recompiled_functions == ["a::twice", "c::step"]
        assert await output_of(bench.project) == "8\n"


async def test_an_object_with_its_old_key_again_is_gone(tmp_path: Path) -> None:
    """A module above the edit is looked at for its key alone: here it has one that the cache knows, and the link finds
    that the object is lost."""
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    async with opened(folder) as bench:
        await bench.build()
        bench.write(c="pub fun step() -> i64 { 2 }\n")
        await bench.build()
        await lose(bench, folder, "a")
    write_ruchy(folder, c=LAYERS["c"], main="use a::twice;\nfun main() { println(twice(5)); }\n")
    async with opened(folder) as bench:
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, ["a", "main"])
        assert [event.module for event in bench.happened(CacheMiss) if event.late] == ["a"]
        assert await output_of(bench.project) == "7\n"


async def test_what_is_given_back_costs_as_many_messages_as_one_module(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    users = {f"user{n}": f"use c::step;\npub fun f{n}() -> i64 {{ step() + {n} }}\n" for n in range(40)}
    write_ruchy(folder, **LAYERS, **users)
    seen = SeenMessages()
    async with opened(folder, tap=seen) as bench:
        await bench.build()
        bench.write(c="pub fun step() -> i64 { 3 }\n")
        seen.records.clear()
        result = await bench.build()
        assert result.recompiled == sorted({*LAYERS, *users})
        assert seen.given_back(result) == {"a", "b", "main", *users}
        await bench.ended()
        # For the objects, and for the program. What was made is stored together, and so are its summaries.
        assert seen.count(Find, FindFragments, StoreEntries, StoreSummaries) == [2, 1, 1, 1]


@pytest.mark.slow
async def test_nothing_is_stored_for_what_stands_above_a_typo(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    users = {f"user{n}": f"use c::step;\npub fun f{n}() -> i64 {{ step() + {n} }}\n" for n in range(40)}
    write_ruchy(folder, **LAYERS, **users)
    seen = SeenMessages()
    async with opened(folder, tap=seen) as bench:
        await bench.build()
        entries = (await bench.project.cache.statistics()).entries
        bench.write(c="pub fun step() -> i64 { nothing }\n")
        seen.records.clear()
        result = await bench.build()
        assert (result.failed, len(result.blocked), result.recompiled) == (["c"], 43, [])
        assert seen.count(StoreEntries) == [0]
        assert (await bench.project.cache.statistics()).entries == entries
        bench.write(c="pub fun step() -> i64 { 2 }\n")
        assert (await bench.build()).recompiled_functions == ["c::step"]
        assert await output_of(bench.project) == "8\n"


@pytest.mark.parametrize("gone", ["a", "c"])
async def test_a_settled_object_that_is_gone_is_compiled_after_all(mode: str, gone: str, tmp_path: Path) -> None:
    """A small edit did not look at its module, or only at what names mean there, and the link finds that it is lost."""
    folder = tmp_path / "app"
    seen = "use kinds::Count;\nuse b::once;\npub fun twice(n: Count) -> Count { once(once(n)) }\n"
    write_ruchy(folder, **LAYERS | {"a": seen, "kinds": "pub type Count = i64;\n"})
    async with opened(folder, invalidation=mode, hot_memory="0 B") as bench:
        await bench.build()
        await lose(bench, folder, gone)
    write_ruchy(folder, main="use a::twice;\nfun main() { println(twice(5)); }\n")
    async with opened(folder, invalidation=mode, hot_memory="0 B") as bench:
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, [gone, "main"])
        assert [event.module for event in bench.happened(CacheMiss) if event.late] == [gone]
        assert await output_of(bench.project) == "7\n"


async def test_signatures_that_are_inferred_far_from_the_edit_are_those_of_the_whole(mode: str, tmp_path: Path) -> None:
    """`report` is looked at for what its names mean, and must then have its signatures inferred as well: a text in the
    place of a signature gives another fingerprint."""
    folder = tmp_path / "app"
    write_ruchy(
        folder,
        main='use report::journey;\nuse kinds::SLOW;\nfun main() { println("from"); journey(SLOW); }\n',
        report="use kinds::Kind;\npub fun journey(kind: Kind) { println(kind.speed); }\n",
        kinds="pub struct Kind { speed: i64 }\npub const SLOW: Kind = Kind { speed: 4 };\n",
    )
    async with opened(folder, invalidation=mode) as bench:
        await bench.build()
        bench.write(main='use report::journey;\nuse kinds::SLOW;\nfun main() { println("to"); journey(SLOW); }\n')
        assert (await bench.build()).recompiled_functions == ["main::main"]
        found = await bench.project.cache.lookup_all(["main", "report", "kinds"])
    copied(folder, tmp_path / "again")
    async with orchestrator.open(tmp_path / "again", invalidation=mode) as project:
        await project.build()
        assert await project.cache.lookup_all(["main", "report", "kinds"]) == found


async def test_errors_after_a_small_edit_block_what_is_built_upon_it(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write_ruchy(folder, **LAYERS)
    async with opened(folder, invalidation=mode) as bench:
        await bench.build()
        bench.write(b="use c::step;\npub fun once(n: i64) -> i64 { n + true }\n")
        result = await bench.build()
        assert (result.failed, result.blocked) == (["b"], ["a", "main"])
    async with opened(folder, invalidation=mode) as bench:
        again = await bench.build()
        assert (again.failed, again.blocked, again.diagnostics) == (["b"], ["a", "main"], result.diagnostics)
        bench.write(b=LAYERS["b"])
        assert (await bench.build()).recompiled == []
        assert await output_of(bench.project) == "6\n"
