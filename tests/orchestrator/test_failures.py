"""Builds in which something fails: who fails, who is blocked, who is compiled all the same, and what is remembered."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob, Summarised, SummariseJob
from actors.events import ModuleBlocked, ModuleFailed, ProgramWritten
from actors.offload import InlineOffload
from orchestrator import BuildResult, Sources
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Bench, Durations, everything, from_nothing, in_virtual_time, named, opened, write

pytestmark = pytest.mark.anyio


def sources(texts: dict[str, str]) -> Sources:
    return Sources(named(texts))


def outcome(result: BuildResult) -> tuple[list[str], list[str], list[str]]:
    return result.failed, result.blocked, result.recompiled


BROKEN = {
    "main": "run top::f\n",
    "top": "use left::l as x\nuse right::r as y\npub f = x y\n",
    "left": "use base::b as x\npub l = x\n",
    "right": "pub r =\n",
    "base": "fail no good\npub b =\n",
    "alone": "pub a =\n",
    "also": "fail as well\n",
}


async def test_a_failing_module_blocks_its_dependents_only() -> None:
    async with opened(sources(BROKEN)) as bench:
        result = await bench.build()
        assert outcome(result) == (["also", "base"], ["left", "main", "top"], ["alone", "right"])
        assert not result.success and result.program is None
        assert [(one.code, one.message, one.file, one.line) for one in result.diagnostics] == [
            ("E0201", "as well", "also.plain", 1),
            ("E0201", "no good", "base.plain", 1),
        ]
        assert sorted(event.module for event in bench.happened(ModuleFailed)) == ["also", "base"]
        assert {event.module: event.by for event in bench.happened(ModuleBlocked)} == dict.fromkeys(
            ("left", "top", "main"), "base"
        )
        assert bench.happened(ProgramWritten) == []
        again = await bench.build()  # errors are never cached: the failed are tried every time, the others are hits
        assert outcome(again) == (["also", "base"], ["left", "main", "top"], [])
        assert again.cache_hits == 2 and again.diagnostics == result.diagnostics
        bench.project.sources["base.plain"] = "pub b =\n"
        bench.project.sources["also.plain"] = ""
        cured = await bench.build()
        assert cured.success and cured.failed == cured.blocked == []
        assert cured.cache_hits >= 2 and "right" not in cured.recompiled
        assert await everything(bench) == await from_nothing(
            {name[: -len(".plain")]: text for name, text in bench.project.sources.items()}
        )


async def test_the_old_program_stays(tmp_path: Path) -> None:
    write(tmp_path, {**BROKEN, "base": "pub b =\n", "also": ""})
    async with opened(tmp_path) as bench:
        first = await bench.build()
        assert first.program is not None
        before = first.program.read_bytes()
        write(tmp_path, {"base": BROKEN["base"]})
        assert (await bench.build()).program is None
        assert first.program.read_bytes() == before
    async with opened(tmp_path) as bench:
        assert outcome(await bench.build())[:2] == (["base"], ["left", "main", "top"])


def random_project(chance: random.Random) -> dict[str, str]:
    """Layers with some cycles in them, in which some modules fail."""
    names = [f"m{number:02}" for number in range(14)]
    texts: dict[str, str] = {}
    for number, name in enumerate(names):
        below = chance.sample(names[number + 1 :], min(len(names) - number - 1, chance.randrange(3)))
        if number and chance.random() < 0.2:
            below.append(names[number - 1])  # a cycle, or an edge against the order
        bad = chance.random()
        lines = [f"use {target}::f as f{target}" for target in below if target != name]
        lines.append(f"pub f = {' '.join(f'f{target}' for target in below)}")
        if bad < 0.12:
            lines.append("fail wrong")
        elif bad < 0.16:
            lines.append("crash broke")
        elif bad < 0.2:
            lines.append("run f")
        elif bad < 0.24:
            lines.insert(0, "syntax error")
        elif bad < 0.28:
            lines.insert(0, "use nowhere::x")
        elif bad < 0.36:
            lines.append("warn look out")
        texts[name] = "\n".join(lines) + "\n"
    return texts


@pytest.mark.parametrize("seed", range(12))
def test_how_many_jobs_and_in_which_order_does_not_show(seed: int) -> None:
    texts = random_project(random.Random(seed))
    expected = None
    for jobs in (1, 2, 3, 4):
        chance = random.Random(seed * 10 + jobs)

        async def build(jobs: int = jobs, chance: random.Random = chance) -> tuple[object, ...]:
            offload = InlineOffload(duration=Durations(lambda _: chance.random()))
            async with opened(sources(texts), offload=offload, jobs=jobs, entry="m00.plain") as bench:
                result = await bench.build()
                assert not set(result.failed) & set(result.blocked)
                return outcome(result), result.diagnostics, result.reasons, result.success

        found = in_virtual_time(build)
        expected = expected or found
        assert found == expected, f"jobs={jobs}"


@pytest.mark.parametrize("jobs", [1, 2, 4])
async def test_cycles_with_errors(jobs: int) -> None:
    texts = {
        "a": "use b::f as x\nfail a is wrong\npub f = x\n",
        "b": "use a::f as x\nuse c::f as y\npub f = x y\n",
        "c": "pub f =\n",
        "d": "use a::f as x\npub f = x\n",
    }
    async with opened(sources(texts), jobs=jobs, entry=None) as bench:
        assert outcome(await bench.build()) == (["a"], ["d"], ["b", "c"])
        bench.project.sources["b.plain"] = texts["b"] + "fail so is b\n"
        assert outcome(await bench.build()) == (["a", "b"], ["d"], [])
        bench.project.sources["c.plain"] = "pub f =\nfail below\n"
        assert outcome(await bench.build()) == (["c"], ["a", "b", "d"], [])


async def test_keep_going_off() -> None:
    texts = {f"m{number}": f"use m{number + 1}::f as x\npub f = x\n" for number in range(6)}
    texts |= {"m6": "pub f =\nfail here\n", "alone": "pub f =\n"}
    async with opened(sources(texts), jobs=1, keep_going=False, entry=None) as bench:
        result = await bench.build()
        assert result.failed == ["m6"]
        assert set(result.blocked) >= {f"m{number}" for number in range(6)}
        assert set(result.blocked) | set(result.recompiled) == set(texts) - {"m6"}
        bench.project.sources["m6.plain"] = "pub f =\n"
        assert (await bench.build()).success


async def test_several_errors_in_one_run() -> None:
    texts = {
        "main": "use nowhere::x\nuse helper::missing\nrun x\nfail too\n",
        "helper": "pub f =\nrun f\n",
        "wrong": "syntax is not this\n",
        "user": "use wrong::x as y\npub f = y\n",
    }
    async with opened(sources(texts)) as bench:
        result = await bench.build()
        assert outcome(result) == (["helper", "main", "wrong"], ["user"], [])
        codes = bench.codes(result)
        assert ("E0810", "helper.plain") in codes and ("E0001", "wrong.plain") in codes
        bench.project.sources["helper.plain"] = "pub f =\n"
        result = await bench.build()
        assert outcome(result) == (["main", "wrong"], ["user"], ["helper"])
        main = [found for found in result.diagnostics if found.file == "main.plain"]
        assert [found.line for found in main] == [1, 2, 4]
        assert all(found.text for found in main[:2]), "each shows its line"


async def test_a_syntax_error_in_an_import_and_its_cure(tmp_path: Path) -> None:
    write(tmp_path, {"main": "use a::f as x\nrun x\n", "a": "syntax\n"})
    async with opened(tmp_path) as bench:
        for _ in range(2):
            result = await bench.build()
            assert outcome(result) == (["a"], ["main"], [])
            assert bench.codes(result) == [("E0001", "a.plain")]
        write(tmp_path, {"a": "pub f =\n"})
        result = await bench.build()
        assert outcome(result) == ([], [], ["a", "main"])


async def test_warnings_are_repeated_on_hits(tmp_path: Path) -> None:
    write(tmp_path, {"main": "run a::f\n", "a": "warn look out\npub f =\n"})

    def warned(bench: Bench, result: BuildResult) -> bool:
        return bench.codes(result) == [("W0001", "a.plain")] and result.success

    async with opened(tmp_path) as bench:
        assert warned(bench, await bench.build())
        again = await bench.build()
        assert warned(bench, again) and again.cache_hits == 2
        write(tmp_path, {"main": "run a::f a::f\n"})
        assert warned(bench, await bench.build())
    async with opened(tmp_path) as bench:  # what a new process finds
        again = await bench.build()
        assert warned(bench, again) and (again.cache_hits, again.recompiled) == (2, [])
        assert bench.toolchain.compiled_modules() == []
        write(tmp_path, {"a": "pub f =\n"})
        assert bench.codes(await bench.build()) == []


class Crashing(PlainToolchain):
    """Breaks where it is told to."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def summarise(self, job: SummariseJob) -> Summarised:
        if self.at == "summarise" and job.module == "a":
            raise IndexError("broke")
        return super().summarise(job)

    def compile(self, job: CompileJob) -> Compiled:
        if self.at == "compile" and job.module == "a":
            raise IndexError("broke")
        if self.at == "nothing" and job.module == "a":
            return Compiled()
        return super().compile(job)

    def link(self, job: LinkJob) -> Linked:
        if self.at == "link":
            raise IndexError("broke")
        if self.at == "invalid":
            return Linked(program=b"\0asm\1\0\0\0\xff")
        if self.at == "no program":
            return Linked()
        return super().link(job)


CRASH = {"main": "run a::f\n", "a": "pub f =\n", "b": "pub g =\n"}


@pytest.mark.parametrize("at", ["summarise", "compile", "nothing"])
async def test_a_toolchain_that_breaks_on_a_module(at: str) -> None:
    toolchain = Crashing(at)
    async with opened(sources(CRASH), toolchain=toolchain) as bench:
        for _ in range(2):
            result = await bench.build()
            assert (result.failed, result.blocked) == (["a"], ["main"])
            assert bench.codes(result) == [("E0901", "a.plain")]
            assert "report" in result.diagnostics[0].hint
        toolchain.at = ""
        assert (await bench.build()).success


@pytest.mark.parametrize("at", ["link", "invalid", "no program"])
async def test_a_linker_that_breaks(at: str, tmp_path: Path) -> None:
    write(tmp_path, CRASH)
    toolchain = Crashing(at)
    async with opened(tmp_path, toolchain=toolchain) as bench:
        for hits in (0, 3):
            result = await bench.build()
            assert (result.success, result.program, result.failed, result.cache_hits) == (False, None, [], hits)
            assert bench.codes(result) == [("E0901", "main.plain")]
            assert not (tmp_path / "build" / "main.wasm").exists()
        toolchain.at = ""
        result = await bench.build()
        assert result.success and result.program is not None


async def test_two_modules_of_one_wrong_text() -> None:
    async with opened(sources({"a": "syntax\n", "b": "syntax\n", "c": "pub f =\n"}), entry=None) as bench:
        result = await bench.build()
        assert outcome(result) == (["a", "b"], [], ["c"])
        assert bench.codes(result) == [("E0001", "a.plain"), ("E0001", "b.plain")]
