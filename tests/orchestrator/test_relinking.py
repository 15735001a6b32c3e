"""Links that go on from earlier ones: what the planner gives a toolchain that remembers, and what it asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actors.compiler import worker
from actors.compiler.toolchain import Linked, LinkInput, LinkJob
from actors.events import CacheMiss, LinkStarted
from orchestrator import Sources
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Bench, from_nothing, named, opened, texts_in, write

pytestmark = pytest.mark.anyio
TEXTS = {"main": "run a::f b::g c::h\n", "a": "pub f = 1\n", "b": "pub g = 2\n", "c": "pub h = 3\n"}


class Remembering(PlainToolchain):
    """Knows the objects of its last link, by digest. `jobs`: which modules each link got, and whether an earlier one
    came with them. `greedy`: it asks for all objects, at hand or not; `invented`: for one that nobody has."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, str] = {}
        self.jobs: list[tuple[list[str], bool]] = []
        self.greedy = self.invented = False

    def link(self, job: LinkJob) -> Linked:
        self.jobs.append(([one.module for one in job.objects if one.data], job.earlier is not None))
        if self.greedy:
            return Linked(needs=tuple(one.digest for one in job.objects))
        if self.invented:
            return Linked(needs=("0" * 64,))
        if job.earlier is not None and not self.known:
            program, known = json.loads(job.earlier.state)
            assert program == job.earlier.program.decode("latin-1")
            self.known = known
        known = {one.digest: one.data.decode() or self.known.get(one.digest, "") for one in job.objects}
        needs = tuple(digest for digest, data in known.items() if not data)
        if needs:
            return Linked(needs=needs)
        self.known = known
        objects = [LinkInput(module=one.module, path=one.path, data=known[one.digest].encode()) for one in job.objects]
        program = super().link(LinkJob(entry=job.entry, objects=tuple(objects))).program
        assert program is not None
        return Linked(program=program, state=json.dumps([program.decode("latin-1"), known]).encode())

    def accepted(self, program: bytes) -> None:
        """Nothing is patched, so nothing follows from it."""


async def linked(bench: Bench, toolchain: Remembering) -> tuple[bytes, list[tuple[list[str], bool]]]:
    """A build: its program, and what the links got."""
    toolchain.jobs.clear()
    result = await bench.build()
    assert result.success and result.program is not None, result
    return result.program.read_bytes(), toolchain.jobs.copy()


def states(folder: Path) -> list[Path]:
    """The files of what links left."""
    cache = folder / ".ruchy-cache"
    found = [json.loads(file.read_text()) for file in sorted((cache / "metadata").glob("*.json"))]
    return [cache / "modules" / f"{one['digest']}.wasm" for one in found if one.get("kind") == "link"]


async def edited(folder: Path, text: str, toolchain: Remembering) -> list[tuple[list[str], bool]]:
    """What the links of a new process got, after an edit. The program is that of a build from nothing."""
    write(folder, {"b": text})
    async with opened(folder, toolchain=toolchain) as bench:
        program, jobs = await linked(bench, toolchain)
    assert program == (await from_nothing(texts_in(folder)))[1]
    return jobs


async def test_an_open_project_gives_what_changed(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    toolchain = Remembering()
    async with opened(tmp_path, toolchain=toolchain) as bench:
        assert (await linked(bench, toolchain))[1] == [(["main", "a", "b", "c"], False)]
        write(tmp_path, {"b": "pub g = 5\n"})
        program, jobs = await linked(bench, toolchain)
        assert jobs == [(["main", "b"], False)]
        assert len(bench.happened(LinkStarted)) == 1
    assert program == (await from_nothing(texts_in(tmp_path)))[1]


async def test_a_new_process_goes_on_from_what_the_last_one_left(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    async with opened(tmp_path, toolchain=Remembering()) as bench:
        assert (await bench.build()).success
    assert len(states(tmp_path)) == 1
    assert await edited(tmp_path, "pub g = 6\n", Remembering()) == [(["main", "b"], True)]
    assert await edited(tmp_path, "pub g = 7\n", Remembering()) == [(["main", "b"], True)]


async def test_what_an_earlier_link_left_stays_where_nothing_is_left_anew(tmp_path: Path) -> None:
    class Lazy(Remembering):
        def link(self, job: LinkJob) -> Linked:
            found = super().link(job)
            return Linked(program=found.program, needs=found.needs)

    write(tmp_path, TEXTS)
    async with opened(tmp_path, toolchain=Remembering()) as bench:
        assert (await bench.build()).success
    assert await edited(tmp_path, "pub g = 6\n", Lazy()) == [(["main", "b"], True)]
    assert await edited(tmp_path, "pub g = 7\n", Lazy()) == [(["main", "b"], True)]
    assert len(states(tmp_path)) == 1


@pytest.mark.parametrize("what", ["state", "program"])
@pytest.mark.parametrize("how", ["gone", "damaged"])
async def test_what_is_gone_or_damaged_is_not_gone_on_from(tmp_path: Path, what: str, how: str) -> None:
    write(tmp_path, TEXTS)
    async with opened(tmp_path, toolchain=Remembering()) as bench:
        result = await bench.build()
        assert result.program is not None
        program = result.program.read_bytes()
    (file,) = states(tmp_path)
    if what == "program":
        (file,) = [one for one in file.parent.iterdir() if one.read_bytes() == program]
    file.chmod(0o644)
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"\1")
    jobs = await edited(tmp_path, "pub g = 6\n", Remembering())
    assert jobs == [(["main", "b"], False), (["main", "a", "b", "c"], False)]


async def test_an_object_that_is_asked_for_and_gone_is_compiled_again(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    async with opened(tmp_path, toolchain=Remembering()) as bench:
        assert (await bench.build()).success
        found = await bench.project.cache.lookup("a")
        assert found is not None
        gone = found.digest
    for file in (*states(tmp_path), tmp_path / ".ruchy-cache" / "modules" / f"{gone}.wasm"):
        file.unlink()
    toolchain = Remembering()
    write(tmp_path, {"b": "pub g = 6\n"})
    async with opened(tmp_path, toolchain=toolchain) as bench:
        program, jobs = await linked(bench, toolchain)
        assert [one.module for one in bench.happened(CacheMiss) if one.late] == ["a"]
        assert jobs == [(["main", "b"], False), (["main", "a", "b", "c"], False)]
    assert program == (await from_nothing(texts_in(tmp_path)))[1]


@pytest.mark.parametrize("odd", ["greedy", "invented"])
async def test_who_asks_for_what_it_has_or_nobody_has_gets_nothing(odd: str) -> None:
    toolchain = Remembering()
    setattr(toolchain, odd, True)
    async with opened(Sources(named(TEXTS)), toolchain=toolchain) as bench:
        result = await bench.build()
        assert not result.success
        assert bench.codes(result) == [("E0901", "main.plain")]
        assert len(toolchain.jobs) == 1


async def test_a_verified_build_gives_everything_and_nothing_earlier(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    async with opened(tmp_path, toolchain=Remembering()) as bench:
        assert (await bench.build()).success
    toolchain = Remembering()
    async with opened(tmp_path, toolchain=toolchain) as bench:
        assert (await bench.build(verify=1.0)).success
        assert toolchain.jobs == [(["main", "a", "b", "c"], False)]


def test_nobody_goes_on_from_a_program_that_nobody_validated() -> None:
    one = LinkInput(module="main", path="main.plain", data=b"[]", digest="d")
    job = LinkJob(entry="main", objects=(one,))
    for validate, left in ((None, False), (lambda _: None, True)):
        done = worker.link(Remembering(), job, 1, validate)
        assert done.linked is not None and done.linked.program is not None
        assert bool(done.linked.state) == left
    assert worker.link(Remembering(), job, 1, lambda _: "it is wrong").linked is None
