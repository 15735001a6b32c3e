"""`build(verify=...)`: what the build would use is compiled again and compared; two planted bugs are found."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import msgspec
import pytest

from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob
from actors.events import CompileStarted, ObjectStored, ObjectsVerified
from actors.planner.phases.verifying import chosen
from orchestrator import ProjectError, Sources
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import named, opened

pytestmark = pytest.mark.anyio
TEXTS = {"main": "run a::f b::g\n", "a": "pub f = 1\n", "b": "pub g = 2\n"}


class Peeking(PlainToolchain):
    """Its objects hold what a file says that no manifest names: a planted undeclared dependency."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def compile(self, job: CompileJob) -> Compiled:
        made = super().compile(job)
        assert made.object is not None
        seen = self.file.read_bytes() if job.module == "a" else b""
        return Compiled(object=msgspec.structs.replace(made.object, data=_with(made.object.data, seen.decode())))


class Restless(PlainToolchain):
    """Never gives the same twice."""

    def __init__(self) -> None:
        super().__init__()
        self.count = itertools.count()

    def compile(self, job: CompileJob) -> Compiled:
        made = super().compile(job)
        assert made.object is not None
        return Compiled(
            object=msgspec.structs.replace(made.object, data=_with(made.object.data, str(next(self.count))))
        )


class Wavering(PlainToolchain):
    """Links otherwise each time."""

    def __init__(self) -> None:
        super().__init__()
        self.count = itertools.count()

    def link(self, job: LinkJob) -> Linked:
        linked = super().link(job)
        assert linked.program is not None
        return Linked(program=linked.program + b"\0\2\1" + bytes([97 + next(self.count)]))


def _with(data: bytes, more: str) -> bytes:
    return json.dumps([*json.loads(data), more]).encode()


async def test_nothing_differs_where_nothing_is_wrong() -> None:
    async with opened(Sources(named(TEXTS))) as bench:
        first = await bench.build(verify=1.0)
        assert (first.success, first.recompiled, first.verified) == (True, ["a", "b", "main"], 3)
        second = await bench.build(verify=1.0)
        assert (second.success, second.recompiled, second.cache_hits, second.verified) == (True, [], 3, 3)
        assert second.differences == [] and second.diagnostics == []
        found = [event for event in bench.events if isinstance(event, ObjectsVerified)]
        assert [(one.checked, one.different) for one in found] == [(3, 0)]
        assert [event for event in bench.events if isinstance(event, ObjectStored) and event.module != "main"] == []
        statistics = await bench.project.cache.statistics()
        assert statistics.compilations == 3  # Compiling to compare is no compilation of the build.
        third = await bench.build()
        assert (third.success, third.verified, third.cache_hits) == (True, 0, 3)


async def test_an_undeclared_dependency_is_found(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    async with opened(Sources(named(TEXTS)), toolchain=Peeking(secret)) as bench:
        assert (await bench.build()).success
        secret.write_text("two")
        hit = await bench.build()
        assert (hit.success, hit.recompiled) == (True, [])  # Nobody can know.
        result = await bench.build(verify=1.0)
        assert not result.success and result.program is None
        assert [(one.module, one.kind) for one in result.differences] == [("a", "object")]
        assert "byte" in result.differences[0].what
        assert json.loads(result.differences[0].manifest)["module"] == "a"
        assert [(one.code, one.module) for one in result.diagnostics] == [("E0905", "a")]
        assert (await bench.build(force=True)).success
        assert (await bench.build()).success


async def test_a_toolchain_that_is_not_deterministic_is_found() -> None:
    async with opened(Sources(named(TEXTS)), toolchain=Restless()) as bench:
        assert (await bench.build()).success
        result = await bench.build(verify=1.0)
        assert sorted(one.module for one in result.differences) == ["a", "b", "main"]
        assert not result.success


async def test_a_linker_that_is_not_deterministic_is_found() -> None:
    async with opened(Sources(named(TEXTS)), toolchain=Wavering()) as bench:
        assert (await bench.build()).success
        result = await bench.build(verify=0.000001, verify_seed=1)
        assert [(one.module, one.kind) for one in result.differences] == [("main", "program")]
        assert (result.success, result.verified) == (False, 0)


async def test_a_share_is_chosen_by_its_seed() -> None:
    texts = {f"m{number}": f"pub f = {number}\n" for number in range(40)}
    async with opened(Sources(named(texts))) as bench:
        await bench.build()
        result = await bench.build(verify=0.25, verify_seed=7)
        wanted = sorted(module for module in texts if chosen(module, 0.25, 7))
        assert 0 < len(wanted) < 40
        assert (result.verified, result.verify_seed) == (len(wanted), 7)
        assert sorted(event.module for event in bench.events if isinstance(event, CompileStarted)) == wanted
        assert wanted != sorted(module for module in texts if chosen(module, 0.25, 8))
        other = await bench.build(verify=0.25)
        assert other.verify_seed != 7 or other.verified == len(wanted)


async def test_what_is_no_share_is_refused() -> None:
    async with opened(Sources(named(TEXTS))) as bench:
        for wrong in (-0.1, 1.5):
            with pytest.raises(ProjectError, match="from 0 to 1"):
                await bench.build(verify=wrong)
