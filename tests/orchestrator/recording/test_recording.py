"""Recordings: all of a build is in them, they replay, and they part where code decides otherwise."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import anyio
import msgspec
import pytest

from actors import messages
from actors.compiler.toolchain import CompileJob
from actors.events import BuildFinished, BuildStarted, Event
from actors.keeper.cache import BuildCache
from actors.keeper.store import Incoming, digest_of
from actors.keeper.upkeep import Upkeep
from actors.messages import Build, BuildDone, CacheStatistics, Find, Found, FragmentsFound, Loaded
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.finding import FindingObjects
from orchestrator import Project
from orchestrator.errors import FileError
from orchestrator.recording.counts import Counts
from orchestrator.recording.record import (
    FORMAT,
    LENGTH_BYTES,
    EventFrame,
    Frame,
    Header,
    MessageFrame,
    Recorder,
    Recording,
    described,
    fields_of,
    read,
    recorded,
    version,
)
from orchestrator.recording.replay import Replayed, replay
from orchestrator.testing.faults import Faults, crash, fail
from orchestrator.testing.scripted import ScriptedToolchain, takes
from orchestrator.testing.toolchain import PlainToolchain
from orchestrator.testing.world import Process, World
from orchestrator.toolchains.ruchy import Ruchy
from tests.helpers.plain_builds import in_virtual_time

pytestmark = pytest.mark.anyio

TEXTS = {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n", "bad": "fail no\n"}


def world_of(texts: dict[str, str] = TEXTS, toolchain: PlainToolchain | None = None) -> World:
    world = World(toolchain)
    world.write(texts)
    return world


@asynccontextmanager
async def recording_in(process: Process, file: Path, **settings: Any) -> AsyncIterator[Project]:
    toolchain = process.world.toolchain
    settings = {"entry": "main.plain", "jobs": 2, "toolchain": toolchain, "offload": process.offload, **settings}
    async with recorded("/project", file, **settings) as project:
        yield project


async def builds(project: Project, world: World) -> None:
    """A bit of everything: builds, edits, failures, look-ups, a forced build, one that is cancelled."""
    await project.build()
    world.write({"bad": "pub g =\n", "b": "pub g = new\n", "c": "pub h =\n"})
    await project.build()
    await project.build()
    await project.cache.lookup_all(["a", "main", "none"])
    await project.graph()
    world.write({"b": "syntax\n"})
    await project.build()
    world.write({"b": "pub g = again\n"})
    async with anyio.create_task_group() as group:
        group.start_soon(project.build)
        for _ in range(25):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    await project.build(force=True)
    await project.cache.verify()
    await project.cache.gc(force=True)
    await project.cache.clear()
    await project.build()


def kinds(recording: Recording) -> list[str]:
    return [frame.kind for frame in recording.frames if isinstance(frame, MessageFrame)]


# ------------------------------------------------------------------------------------------------ what is in it


async def test_all_that_happened_is_in_it(tmp_path: Path) -> None:
    world = world_of()
    events: list[Any] = []
    async with recording_in(world.process(), tmp_path / "trace", max_size=1 << 20) as project:
        project.listen(events.append)
        result = await project.build()
    found = read(tmp_path / "trace")
    assert found.complete
    [member] = found.header.toolchains
    assert (member.name, member.identity) == ("plain", PlainToolchain().identity())
    assert (found.header.slots, found.header.max_size, found.header.memory) == (2, 1 << 20, False)
    assert [frame.event for frame in found.frames if isinstance(frame, EventFrame)] == events
    assert isinstance(events[0], BuildStarted) and isinstance(events[-1], BuildFinished)
    said = [frame for frame in found.frames if isinstance(frame, MessageFrame)]
    assert isinstance(said[0].message, Build) and said[0].kind == "ask"
    done = [frame.message for frame in said if isinstance(frame.message, BuildDone)]
    assert len(done) == 1 and done[0].result.recompiled == result.recompiled
    numbers = [frame.number for frame in said if frame.kind in ("tell", "post", "ask")]
    assert numbers == list(range(1, len(numbers) + 1))
    taken = {frame.number for frame in said if frame.kind == "take"}
    assert taken == set(numbers) and all(frame.message is None for frame in said if frame.kind == "take")


async def test_an_empty_recording_of_a_project_in_memory(tmp_path: Path) -> None:
    import orchestrator

    sources = orchestrator.Sources({"main.plain": "run f\npub f =\n"})
    async with recorded(sources, tmp_path / "trace", toolchain=PlainToolchain(), entry="main.plain") as project:
        pass
    found = read(tmp_path / "trace")
    assert found == Recording(found.header, [], True) and found.header.memory
    assert (await replay(found)) == Replayed([], 0, 0, 0, 0, True)
    async with recorded(sources, tmp_path / "trace", toolchain=PlainToolchain(), entry="main.plain") as project:
        assert (await project.build()).success
    replayed = await replay(read(tmp_path / "trace"))
    assert replayed.differences == [] and replayed.planner > 5


async def test_a_process_that_crashed_leaves_what_it_had_written(tmp_path: Path) -> None:
    world = world_of()
    process = world.process(Faults().on("index.insert", crash()))
    with pytest.raises(Exception, match="crashed"):
        async with recording_in(process, tmp_path / "trace") as project:
            await project.build()
    whole = (tmp_path / "trace").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-100])
    found = read(tmp_path / "cut")
    assert not found.complete and found.frames == read(tmp_path / "trace").frames[: len(found.frames)]
    replayed = await replay(found)
    assert replayed.differences == [] and "ends before its Project was closed" in replayed.report()


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(LENGTH_BYTES, "little") + data


def header() -> bytes:
    return frame(msgspec.msgpack.encode(Header(version=version())))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no recording of a build"),
        (b"\0asm\1\0\0\0 and so on", "is no recording of a build"),
        (frame(msgspec.msgpack.encode({"magic": "another"})), "is no recording of a build"),
        (frame(msgspec.msgpack.encode([1, 2])), "is no recording of a build"),
        (
            frame(msgspec.msgpack.encode({"magic": "wasmill trace", "version": 2, "wasmill": "9.9"})),
            f"is a recording of version 2, and this is version {version()}",
        ),
        (header() + frame(b"\xc1"), "is damaged at byte"),
        (header() + frame(msgspec.msgpack.encode({"frame": "New"})), "is damaged"),
    ],
)
async def test_what_is_no_recording_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "trace").write_bytes(data)
    with pytest.raises(FileError, match=message):
        read(tmp_path / "trace")


def in_a_message(**fields: Any) -> type[msgspec.Struct]:
    """A message that holds a struct with these fields: types, or types with defaults."""
    given = [(name, *(one if isinstance(one, tuple) else (one,))) for name, one in fields.items()]
    part = msgspec.defstruct("Part", given)
    return msgspec.defstruct("Message", [("parts", tuple[part, ...])], tag=True)  # type: ignore[valid-type]


def test_another_field_anywhere_in_a_message_is_another_version() -> None:
    names = {
        fields_of(in_a_message(key=str, size=int)),
        fields_of(in_a_message(key=str)),
        fields_of(in_a_message(key=str, bytes=int)),
        fields_of(in_a_message(key=str, size=str)),
        fields_of(in_a_message(key=str, size=(int, 0))),
        fields_of(in_a_message(key=str, size=(int, 1))),
    }
    assert len(names) == 6
    assert fields_of(in_a_message(key=str, size=int)) in names
    documented = in_a_message(key=str, size=int)
    documented.__doc__ = "A text changes nothing."
    assert fields_of(documented) in names


def test_the_version_covers_all_messages_and_events() -> None:
    _, components = msgspec.json.schema_components([Frame])
    for kind in (*messages.kinds(messages.Message), *get_args(Event), messages.NewEntry, CompileJob):
        assert set(components[kind.__name__]["properties"]) >= set(kind.__struct_fields__)
    assert version() == f"{FORMAT}.{fields_of(Frame)[:8]}"


async def test_where_nothing_can_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read(tmp_path / "none")
    with pytest.raises(FileError, match="cannot be written"):
        Recorder(tmp_path / "none" / "trace")


@pytest.mark.skipif(sys.platform != "linux", reason="writes to /dev/full")
async def test_a_full_disk_ends_the_recording_and_not_the_build() -> None:
    result = None
    with pytest.raises(FileError, match="the recording is not complete: No space left on device"):
        async with recording_in(world_of({"main": "#" * (1 << 17)}).process(), Path("/dev/full")) as project:
            result = await project.build()
    assert result is not None and result.success


# ------------------------------------------------------------------------------------------------ replays


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.slow
async def test_every_decision_is_the_one_that_was_recorded(jobs: int, tmp_path: Path) -> None:
    world = world_of()
    async with recording_in(world.process(), tmp_path / "trace", jobs=jobs) as project:
        await builds(project, world)
    found = read(tmp_path / "trace")
    assert {"tell", "post", "ask", "reply", "take", "nudge", "cancel"} == set(kinds(found))
    replayed = await replay(found)
    assert replayed.differences == [], replayed.report()
    assert replayed.complete and replayed.planner > 60 and replayed.keeper > 40 and replayed.assumed == 0
    assert replayed.report().endswith("nothing differs: every decision is the one that was recorded")


async def test_a_cache_that_was_there_before_is_taken_from_its_answers(tmp_path: Path) -> None:
    world = world_of()
    async with world.open() as project:
        await project.build()
    world.write({"c": "pub h =\n", "a": "use b::g as x\nuse c::h as y\npub f = x y\n"})
    async with recording_in(world.process(), tmp_path / "trace") as project:
        assert (await project.build()).recompiled == ["a", "c", "main"]
        await project.cache.lookup_all(["a", "b"])
    replayed = await replay(read(tmp_path / "trace"))
    assert replayed.differences == [], replayed.report()
    assert replayed.assumed == 1, "b, which was looked up"


async def test_objects_that_a_plan_names_are_taken_from_what_was_read(tmp_path: Path) -> None:
    """An edit in a new process: b is a hit by the plan, nobody asks for its row, and the link reads its bytes."""
    world = world_of({"main": "run a::f\nrun b::g\n", "a": "pub f =\n", "b": "pub g =\n"})
    async with world.open() as project:
        await project.build()
    world.write({"a": "pub f = new\n"})
    async with recording_in(world.process(), tmp_path / "trace") as project:
        assert (await project.build()).recompiled == ["a", "main"]
    found = read(tmp_path / "trace")
    assert any(isinstance(one.message, Loaded) for one in found.frames if isinstance(one, MessageFrame))
    replayed = await replay(found)
    assert replayed.differences == [], replayed.report()
    assert replayed.assumed == 1


@pytest.mark.slow
async def test_evictions_replay(tmp_path: Path) -> None:
    texts = {f"m{number}": f"pub f = {'word ' * 600}\n" for number in range(8)} | {"main": "run m1::f\n"}
    world = world_of(texts)
    async with recording_in(world.process(), tmp_path / "trace", max_size=40_000, eviction="fifo") as project:
        for number in range(4):
            world.write({f"m{number}": f"pub f = {'other ' * 600}\n"})
            await project.build()
        assert (await project.cache.statistics()).evictions > 0
    replayed = await replay(read(tmp_path / "trace"))
    assert replayed.differences == [], replayed.report()


async def test_what_a_failing_disk_answered_is_not_compared(tmp_path: Path) -> None:
    world = world_of()
    process = world.process(Faults().on("disk.create", fail("EIO"), path="/metadata/", times=0))
    async with recording_in(process, tmp_path / "trace") as project:
        assert (await project.build()).cache_degraded
    replayed = await replay(read(tmp_path / "trace"))
    assert replayed.differences == [] and replayed.skipped > 1


def test_the_planner_sees_the_time_of_the_recording(tmp_path: Path) -> None:
    """Two processes, of which each waits for what the other one compiles."""

    async def main() -> Replayed:
        toolchain = ScriptedToolchain(otherwise=takes(5.0))
        world = world_of({f"m{number}": f"pub f{number} =\n" for number in range(4)}, toolchain)
        async with (
            recording_in(world.process(), tmp_path / "trace", entry=None, jobs=1) as mine,
            world.open(entry=None, jobs=1) as theirs,
            anyio.create_task_group() as group,
        ):
            group.start_soon(theirs.build)
            await anyio.sleep(1)
            group.start_soon(mine.build)
        found = read(tmp_path / "trace")
        taken = [
            one.message for one in found.frames if isinstance(one, MessageFrame) and isinstance(one.message, Found)
        ]
        assert any(one.taken for one in taken)
        return await replay(found)

    replayed = in_virtual_time(main)
    assert replayed.differences == [], replayed.report()
    assert replayed.skipped > 0


# ------------------------------------------------------------------------------------------------ differences


async def a_recording(tmp_path: Path) -> Recording:
    world = world_of()
    async with recording_in(world.process(), tmp_path / "trace") as project:
        await project.build()
        world.write({"b": "pub g = new\n"})
        await project.build()
    return read(tmp_path / "trace")


async def test_a_planner_that_decides_otherwise_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await a_recording(tmp_path)

    def stores_nothing(self: Compiling) -> None:
        self._to_store = []

    monkeypatch.setattr(Compiling, "store", stores_nothing)
    replayed = await replay(found)
    assert [difference.actor for difference in replayed.differences] == ["planner"]
    difference = replayed.differences[0]
    assert any(one.startswith("StoreEntries(build=1, entries: ") for one in difference.then)
    assert not any(one.startswith("StoreEntries(") for one in difference.now)
    assert "CompileDone(build=1" in difference.after
    assert f"planner differs at record {difference.at}, after CompileDone(" in replayed.report()
    recorded_there = found.frames[difference.at]
    assert isinstance(recorded_there, MessageFrame) and recorded_there.kind == "take"


async def test_a_planner_that_asks_for_something_else_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await a_recording(tmp_path)
    begin = FindingObjects.begin

    def asks_less(self: FindingObjects) -> None:
        touched = self.session.facts.touched
        touched.remove(min(touched))
        begin(self)

    monkeypatch.setattr(FindingObjects, "begin", asks_less)
    replayed = await replay(found)
    (difference,) = replayed.differences
    assert difference.then[0].startswith("Find(... keys=4 in all, of its own: ['")
    assert difference.now[0].startswith("Find(... keys=3 in all, of its own: []")


async def test_a_planner_that_breaks_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await a_recording(tmp_path)

    def breaks(self: Compiling, *_: Any) -> None:
        raise KeyError("missing")

    monkeypatch.setattr(Compiling, "stored", breaks)
    (difference,) = (await replay(found)).differences
    assert difference.now == ("KeyError: 'missing'",)


async def test_a_keeper_that_forgets_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of()
    async with recording_in(world.process(), tmp_path / "trace") as project:
        await project.build()
        await project.cache.lookup_all(["a", "b", "main"])
    found = read(tmp_path / "trace")
    store = Upkeep.store

    async def forgets(self: Upkeep, entries: Sequence[Incoming], force: bool) -> Any:
        kept, *more = await store(self, entries[1:], force)
        return {**kept, entries[0].key: digest_of(entries[0].entry.data)}, *more

    monkeypatch.setattr(Upkeep, "store", forgets)
    replayed = await replay(found)
    assert replayed.differences and {difference.actor for difference in replayed.differences} == {"keeper"}
    difference = replayed.differences[0]
    assert difference.after.startswith("Find(build=2, keys: 3")
    assert difference.then[0].startswith("Found(... entries=3 in all, of its own: {'")
    assert difference.now[0].startswith("Found(... entries=")
    asked = found.frames[difference.at]
    assert isinstance(asked, MessageFrame) and isinstance(asked.message, Find)


# ------------------------------------------------------------------------------------------------ statistics


async def counted_builds(project: Project, world: World) -> None:
    await project.cache.statistics()
    await project.build()
    await project.cache.statistics()
    world.write({"b": "pub g = new\n"})
    await project.build()
    await project.cache.reset_statistics()
    world.write({"b": "pub g =\n"})
    await project.build()
    await project.cache.statistics()


async def test_statistics_replay_whatever_was_counted_before(tmp_path: Path) -> None:
    world = world_of()
    async with world.open() as project:
        await project.build()
    world.write({"a": "use b::g as x\npub f = x x\n"})
    async with recording_in(world.process(), tmp_path / "trace") as project:
        await counted_builds(project, world)
        assert (await project.cache.statistics()).hits == 3, "all but what fails"
    replayed = await replay(read(tmp_path / "trace"))
    assert replayed.differences == [], replayed.report()
    assert replayed.skipped == 0, "every answer is compared"


async def test_a_keeper_that_counts_otherwise_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of()
    async with recording_in(world.process(), tmp_path / "trace") as project:
        await counted_builds(project, world)
    found = read(tmp_path / "trace")
    count = BuildCache.count

    def wrongly(self: BuildCache, **counts: float) -> None:
        if "compilations" in counts:
            counts["compilations"] += change
        count(self, **counts)

    monkeypatch.setattr(BuildCache, "count", wrongly)
    change = 0
    assert (await replay(found)).differences == []
    for wrong, told in ((1, ["compilations=3", "compilations=4"]), (-1, ["compilations=3", "compilations=2"])):
        change = wrong
        replayed = await replay(found)
        assert {difference.actor for difference in replayed.differences} == {"keeper"}
        first = replayed.differences[0]
        assert first.after == "Statistics()"
        assert [line for difference in replayed.differences for line in (*difference.then, *difference.now)][:2] == [
            f"CacheStatistics(... {text})" for text in told
        ]


def statistics(**counts: Any) -> CacheStatistics:
    return CacheStatistics(**counts)


def test_what_was_counted_before_is_unknown_until_it_is_said() -> None:
    counts = Counts()
    assert counts.compare(statistics(hits=100), statistics(hits=3)) is None
    assert counts.compare(statistics(hits=101), statistics(hits=4)) is None
    assert counts.compare(statistics(hits=103), statistics(hits=5)) == (statistics(hits=103), statistics(hits=102))
    assert counts.compare(statistics(hits=103), statistics(hits=5)) is None, "a difference is told once"
    assert counts.compare(statistics(hits=103), statistics(hits=6)) == (statistics(hits=103), statistics(hits=104))
    counts.reset()
    assert counts.compare(statistics(misses=1), statistics(misses=1)) is None
    assert counts.compare(statistics(misses=2, bytes_read=9), statistics(misses=2)) is None, "bytes are not compared"
    fresh = Counts()
    assert fresh.compare(statistics(hits=1), statistics(hits=2)) == (statistics(hits=1), statistics(hits=2))


def test_where_others_may_have_counted_only_too_little_is_a_difference() -> None:
    counts = Counts()
    counts.reset()
    counts.inexact = True
    assert counts.compare(statistics(hits=5), statistics(hits=3)) is None
    assert counts.compare(statistics(hits=5), statistics(hits=4)) is not None


# ------------------------------------------------------------------------------------------------ fragments


RUCHY = {
    "main": "use sums::{twice, thrice};\n\nfun main() {\n    println(twice(2), thrice(3));\n}\n",
    "sums": ("pub fun twice(x: i64) -> i64 {\n    x + x\n}\n\npub fun thrice(x: i64) -> i64 {\n    x + x + x\n}\n"),
}


def edited(world: World, before: str, after: str) -> None:
    text = world.disk.read("/project/sums.ruchy").decode().replace(before, after)
    world.write({"sums": text})


def ruchy_world() -> World:
    world = World(Ruchy())
    world.write(RUCHY)
    return world


def fragments_found(recording: Recording) -> int:
    return sum(
        len(frame.message.fragments)
        for frame in recording.frames
        if isinstance(frame, MessageFrame) and isinstance(frame.message, FragmentsFound)
    )


@pytest.mark.slow
async def test_fragments_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = ruchy_world()
    async with recording_in(world.process(), tmp_path / "trace", entry="main.ruchy") as project:
        assert (await project.build()).success
        edited(world, "x + x + x", "3 * x")
        assert (await project.build()).recompiled_functions == ["sums::thrice"]
    found = read(tmp_path / "trace")
    assert fragments_found(found) == 1, "that of twice: main has its object back"
    replayed = await replay(found)
    assert replayed.differences == [], replayed.report()

    find = BuildCache.find_fragments

    async def spoilt(cache: BuildCache, fingerprints: Collection[bytes]) -> dict[bytes, bytes]:
        return {name: data + b"!" for name, data in (await find(cache, fingerprints)).items()}

    async def none(cache: BuildCache, fingerprints: Collection[bytes]) -> dict[bytes, bytes]:
        return {}

    for broken in (spoilt, none):
        monkeypatch.setattr(BuildCache, "find_fragments", broken)
        (difference,) = (await replay(found)).differences
        assert difference.actor == "keeper" and difference.after.startswith("FindFragments(build=2, fingerprints: ")
        assert difference.then[0].startswith("FragmentsFound(... fragments=1 in all, of its own: {'")


@pytest.mark.slow
async def test_fragments_of_before_are_taken_from_the_answers(tmp_path: Path) -> None:
    world = ruchy_world()
    async with world.open(entry="main.ruchy") as project:
        await project.build()
    edited(world, "x + x + x", "3 * x")
    async with recording_in(world.process(), tmp_path / "trace", entry="main.ruchy") as project:
        assert (await project.build()).recompiled_functions == ["sums::thrice"]
        edited(world, "x + x\n", "2 * x\n")
        assert (await project.build()).recompiled_functions == ["sums::twice"]
        await project.cache.statistics()
    found = read(tmp_path / "trace")
    assert fragments_found(found) >= 2
    replayed = await replay(found)
    assert replayed.differences == [], replayed.report()


def test_a_message_in_a_few_words() -> None:
    assert described(Find(build=3, keys=("a", "b"))) == "Find(build=3, keys: 2)"
    assert described(None) == "nothing"
