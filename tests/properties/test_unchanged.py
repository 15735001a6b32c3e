"""The repeated answer of an open Project to a build with nothing changed (`Scanning.repeated`): the same as the longer
way gives, whatever happened before; and given where it can be."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from actors.compiler import worker
from actors.compiler.toolchain import Linked, LinkJob
from actors.events import BuildFinished, BuildStarted, CacheMiss, SourcesScanned
from actors.keeper.publish import look
from actors.messages import BuildDone, ScanEnd
from actors.offload import InlineOffload
from actors.planner.planner import Planner
from actors.planner.run import Run
from actors.planner.session import Earlier
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Bench, from_nothing, opened, remove, texts_in, write
from tests.helpers.projects import stamp_anew

START = {
    "main": "use a::f\nuse b::g\nrun f g\n",
    "a": "pub f = one\n",
    "b": "use a::f\npub g = f\n",
    "x/c": "pub h =\n",
}
TEXTS = [
    "pub f = two\npub g =\n",
    "pub g = f\n",
    "warn about this\npub f =\npub g =\n",
    "fail always\n",
    "use no::one\n",
]


class Watched:
    """Counts the repeated answers of a planner; with `never`, there are none, and each build goes the longer way."""

    def __init__(self, earlier: Earlier, *, never: bool = False) -> None:
        self.given = 0
        self.never = never
        self._repeated = earlier.repeated
        earlier.repeated = self.repeated  # type: ignore[method-assign]

    def repeated(self, run: Run, end: ScanEnd, duration_ms: float) -> BuildDone | None:
        done = None if self.never else self._repeated(run, end, duration_ms)
        self.given += done is not None
        return done


def planner_of(bench: Bench) -> Planner:
    [found] = [actor for actor in bench.project._running().actors if isinstance(actor, Planner)]
    return found


def watched(bench: Bench, *, never: bool = False) -> Watched:
    return Watched(planner_of(bench).machine.session.earlier, never=never)


class Side:
    """One of two equal worlds: a folder, and the Project that is open on it."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        self.folder = folder
        self.bench = bench

    async def build(self, **more: Any) -> tuple[object, ...]:
        """Everything that can be seen of a build, without times, and with paths from the folder on."""
        result = await self.bench.build(**more)
        program = result.program
        data = msgspec.structs.asdict(result)
        data["duration_ms"] = 0.0
        told = [msgspec.structs.asdict(event) for event in self.bench.events]
        for one in told:
            for field in ("duration_ms", "build"):
                one.pop(field, None)
        told.sort(key=repr)  # of two jobs and the cache either may be faster
        counts = msgspec.structs.asdict(await self.bench.project.cache.statistics())
        for name in ("saved_ms", "size_bytes", "bytes_written", "bytes_read"):
            counts.pop(name)
        text = repr((data, told, counts)).replace(str(self.folder), "FOLDER")
        return text, program.read_bytes() if program else None


Step = tuple[str, Any, Any]

names = st.sampled_from([*START, "new"])
steps = st.one_of(
    st.tuples(st.just("nothing"), st.none(), st.none()),
    st.tuples(st.just("nothing"), st.none(), st.none()),
    st.tuples(st.just("edit"), names, st.sampled_from(TEXTS)),
    st.tuples(st.just("mend"), st.none(), st.none()),
    st.tuples(st.just("touch"), names, st.none()),
    st.tuples(st.just("remove"), names, st.none()),
    st.tuples(st.just("memory"), names, st.sampled_from(TEXTS)),
    st.tuples(st.just("forget"), names, st.none()),
    st.tuples(st.just("force"), st.none(), st.none()),
    st.tuples(st.just("release"), st.none(), st.none()),
    st.tuples(st.just("graph"), st.none(), st.none()),
    st.tuples(st.just("lookup"), names, st.none()),
    st.tuples(st.just("young"), st.none(), st.none()),
    st.tuples(st.just("old"), st.none(), st.none()),
    st.tuples(st.just("another"), st.booleans(), st.none()),
    st.tuples(st.just("lose"), st.sampled_from(["build", ".ruchy-cache", "snapshots", "modules", "plan"]), st.none()),
    st.tuples(st.just("overwrite"), st.none(), st.none()),
    st.tuples(st.just("settings"), st.none(), st.none()),
)


async def do(side: Side, step: Step, number: int) -> dict[str, Any]:
    """Take a step; gives what the build after it is asked for."""
    kind, what, more = step
    folder, project = side.folder, side.bench.project
    cache = folder / ".ruchy-cache"
    if kind == "edit":
        write(folder, {what: more})
    elif kind == "mend":
        write(folder, START)
    elif kind == "touch" and (folder / f"{what}.plain").exists():
        stamp_anew(folder / f"{what}.plain")
    elif kind == "remove" and (folder / f"{what}.plain").exists():
        remove(folder, what)
    elif kind == "memory":
        project.sources[f"{what}.plain"] = more
    elif kind == "forget":
        project.sources.pop(f"{what}.plain", None)
    elif kind == "graph":
        await project.graph()
    elif kind == "lookup":
        await project.cache.lookup(what)
    elif kind in ("young", "old"):
        # Young: every stamp is of the future, and none is believed. The machine's own clock would be a matter of luck.
        side.bench.disk.now = 1 if kind == "young" else None
    elif kind == "another":
        await build_elsewhere(folder, release=what)
    elif kind == "lose":
        lose(cache, {"build": folder / "build", "modules": cache / "modules", "plan": cache / "snapshots"}, what)
    elif kind == "overwrite" and (folder / "build").exists():
        (folder / "build/main.wasm").write_bytes(b"%d" % number)
    elif kind == "settings":
        (folder / "wasmill.toml").write_text(f"# {number}\n")
    return {"force": True} if kind == "force" else {"profile": "release"} if kind == "release" else {}


def lose(cache: Path, places: dict[str, Path], what: str) -> None:
    if what == "plan":
        for plan in places["plan"].glob("*.plan"):
            plan.unlink()
        return
    shutil.rmtree(places.get(what, cache / "snapshots" if what == "snapshots" else cache), ignore_errors=True)
    if what == "modules":
        places["modules"].mkdir(parents=True, exist_ok=True)


async def build_elsewhere(folder: Path, *, release: bool) -> None:
    """Another Project of the same folder, as another process would have it; perhaps with other options."""
    async with opened(folder) as bench:
        await bench.build(**({"profile": "release"} if release else {}))


async def compare(history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place, name) for name in ("short", "long_")]
        for folder in folders:
            write(folder, START)
        async with opened(folders[0], jobs=1) as short, opened(folders[1], jobs=1) as long:
            watched(long, never=True)
            sides = [Side(folders[0], short), Side(folders[1], long)]
            for number, step in enumerate([("nothing", None, None), ("nothing", None, None), *history]):
                seen = []
                for side in sides:
                    asked = await do(side, step, number)
                    seen.append(await side.build(**asked))
                assert seen[0] == seen[1], (number, step)


@pytest.mark.slow
@pytest.mark.timeout(7200)  # ten thousand cases take ten minutes and more
@settings(max_examples=20 if settings().max_examples == 100 else settings().max_examples)
@given(history=st.lists(steps, min_size=1, max_size=7))
def test_the_short_answer_is_the_long_one(history: list[Step]) -> None:
    # Who is compiled before a failure is known depends on how long compiles took: here they take no time.
    with mock.patch.object(worker, "perf_counter", float):
        anyio.run(compare, history)


# ------------------------------------------------------------------------------------------------ it is given

pytestmark = pytest.mark.anyio


async def settled(bench: Bench) -> Watched:
    """Build until the snapshot answers."""
    seen = watched(bench)
    for _ in range(3):
        assert (await bench.build()).success
    await bench.ended()
    return seen


async def test_nothing_changed_asks_nobody(tmp_path: Path) -> None:
    """Two builds later: one look at the stamps. No message goes to the keeper or to a worker, nothing is read."""
    write(tmp_path, START)
    told: list[tuple[str, str, str]] = []
    async with opened(tmp_path) as bench:
        seen = await settled(bench)
        before = seen.given
        bench.project._running().tap = lambda record: told.append(record[:3])
        result = await bench.build()
    assert seen.given == before + 1
    assert (result.success, result.compiled_modules, result.cache_hits, result.diagnostics) == (True, 0, 4, [])
    assert result.program == tmp_path / "build/main.wasm"
    assert [type(event) for event in bench.events] == [BuildStarted, SourcesScanned, BuildFinished]
    assert bench.events[-1] == BuildFinished(
        build=4,
        success=True,
        compiled_modules=0,
        cache_hits=4,
        duration_ms=result.duration_ms,
        program=str(result.program),
    )
    assert bench.disk.reads == [] and bench.toolchain.calls == [] and bench.disk.counts["entries"] == 1, (
        "beside the program"
    )
    assert [one for one in told if one[0] != "take"] == [
        ("ask", "", "planner"),
        ("tell", "", "scanner"),
        ("tell", "scanner", "hasher"),
        ("tell", "hasher", "planner"),
        ("reply", "planner", ""),
    ]


def _young(bench: Bench, folder: Path) -> None:
    bench.disk.aged = False


def _warning(bench: Bench, folder: Path) -> None:
    write(folder, {"x/c": "warn again and again\npub h =\n"})


def _memory(bench: Bench, folder: Path) -> None:
    bench.project.sources["x/c.plain"] = START["x/c"]


@pytest.mark.parametrize("why", [_young, _memory], ids=lambda why: why.__name__[1:])
async def test_what_makes_it_decline(tmp_path: Path, why: Callable[[Bench, Path], None]) -> None:
    """However often one builds."""
    write(tmp_path, START)
    async with opened(tmp_path) as bench:
        seen = await settled(bench)
        why(bench, tmp_path)
        if why is _young:
            write(tmp_path, {"x/c": START["x/c"]})
            os.utime(tmp_path / "x/c.plain")
        before = seen.given
        result = [await bench.build() for _ in range(3)][-1]
        assert seen.given == before
        assert (result.success, result.cache_hits) == (True, 4)
        assert result.diagnostics == []


async def test_warnings_are_told_again_by_the_short_answer(tmp_path: Path) -> None:
    write(tmp_path, START)
    async with opened(tmp_path) as bench:
        seen = await settled(bench)
        _warning(bench, tmp_path)
        longer = [(await bench.build()).diagnostics for _ in range(3)]
        before = seen.given
        assert (await bench.build()).diagnostics == longer[-1] == longer[0]
        assert (seen.given, len(longer[0])) == (before + 1, 1)


async def test_the_end_of_a_build_follows_its_answer(tmp_path: Path) -> None:
    """In an open Project in which a build ended well. Closing it, the next build, and questions about the cache wait
    until everything is on the disk."""
    write(tmp_path, START)
    snapshots = tmp_path / ".ruchy-cache/snapshots"
    async with opened(tmp_path) as bench:
        await settled(bench)
        before = {path: path.read_bytes() for path in snapshots.iterdir()}
        write(tmp_path, {"a": "pub f = two\n"})
        assert (await bench.build()).recompiled == ["a", "b", "main"]
        assert {path: path.read_bytes() for path in snapshots.iterdir()} == before, "the answer came first"
        assert (tmp_path / "build/main.wasm").read_bytes() == await program_of(tmp_path)
        assert (await bench.project.cache.statistics()).compilations == 7
        assert all(path.read_bytes() != data for path, data in before.items())
        write(tmp_path, {"a": "pub f = three\n"})
        assert (await bench.build()).compiled_modules == 3
        assert (await bench.build()).cache_hits == 4, "as the build before has left it"
        write(tmp_path, {"a": "pub f = four\n"})
        await bench.build()
    async with opened(tmp_path) as bench:
        assert (await bench.build()).cache_hits == 4 and bench.toolchain.calls == []
        assert bench.disk.reads.count(str(tmp_path / "a.plain")) == 0, "the snapshot is that of the last build"


async def program_of(folder: Path) -> bytes | None:
    return (await from_nothing(texts_in(folder)))[1]


class FromFile(PlainToolchain):
    """Its identity comes from a file, which is read once, as that of a real compiler is."""

    def __init__(self, file: Path) -> None:
        super().__init__(file.read_text())
        self._file = str(file)

    def files(self) -> tuple[str, ...]:
        return (self._file,)


async def test_an_edited_compiler_is_for_the_next_project(tmp_path: Path) -> None:
    """An open Project has the compiler that it was opened with, and its answers are right for that one. So it asks
    nobody; a Project that is opened now builds with the other one, and neither
    believes what the other has left."""
    compiler, folder = tmp_path / "compiler", tmp_path / "project"
    compiler.write_text("1")
    write(folder, START)
    async with opened(folder, toolchain=FromFile(compiler)) as bench:
        seen = await settled(bench)
        before = seen.given
        compiler.write_text("2")
        stamp_anew(compiler)
        result = await bench.build()
        assert (seen.given, result.cache_hits) == (before + 1, 4)
        async with opened(folder, toolchain=FromFile(compiler)) as newer:
            found = await newer.build()
            assert {reason.kind for reason in found.reasons.values()} == {"toolchain"}
            assert found.compiled_modules == 4
        again = await bench.build()
        assert (seen.given, again.success, again.cache_hits) == (before + 1, True, 4), "of its own objects"


async def test_force_and_other_settings_decline(tmp_path: Path) -> None:
    write(tmp_path, START)
    async with opened(tmp_path) as bench:
        seen = await settled(bench)
        before = seen.given
        assert (await bench.build(force=True)).compiled_modules == 4
        assert (await bench.build(profile="release")).compiled_modules == 4
        assert seen.given == before


class Otherwise(PlainToolchain):
    """Another version, whose programs are other ones."""

    def __init__(self) -> None:
        super().__init__("2")

    def link(self, job: LinkJob) -> Linked:
        return super().link(msgspec.structs.replace(job, objects=job.objects[:1]))


async def test_another_process_with_another_version_is_noticed(tmp_path: Path) -> None:
    """It leaves sources and settings as they are, and a snapshot that agrees; but the program is another one now."""
    write(tmp_path, START)
    async with opened(tmp_path) as bench:
        seen = await settled(bench)
        program = (tmp_path / "build/main.wasm").read_bytes()
        async with opened(tmp_path, toolchain=Otherwise()) as other:
            assert (await other.build()).compiled_modules == 4
            assert (await other.build()).cache_hits == 4
        assert (tmp_path / "build/main.wasm").read_bytes() != program
        before = seen.given
        assert (await bench.build()).success
        assert (tmp_path / "build/main.wasm").read_bytes() == program
        assert seen.given == before


async def test_objects_that_were_lost_are_made_again(tmp_path: Path) -> None:
    write(tmp_path, START)
    async with opened(tmp_path) as bench:
        await settled(bench)
        for file in (tmp_path / ".ruchy-cache/modules").iterdir():
            file.write_bytes(b"damaged")
        assert (await bench.project.cache.verify()).damage
        result = await bench.build()
        assert (result.compiled_modules, result.cache_hits) == (4, 0)
        assert bench.happened(CacheMiss)


async def test_a_cancelled_build_answers_for_no_other(tmp_path: Path) -> None:
    """Not even where it had found that there was nothing to do."""
    write(tmp_path, START)

    class Stuck(InlineOffload):
        stuck = True

        async def run(self, function: Callable[..., Any], *args: Any) -> Any:
            if function is look and self.stuck:
                self.stuck = False
                scope.cancel()
            return await super().run(function, *args)

    async with opened(tmp_path) as first:
        await settled(first)
    async with opened(tmp_path, offload=Stuck(first.disk)) as bench:
        seen = watched(bench)
        with anyio.CancelScope() as scope:
            await bench.project.build()
        assert scope.cancelled_caught
        for _ in range(2):
            result = await bench.project.build()
            assert (result.success, result.cache_hits) == (True, 4)
        assert seen.given == 1
