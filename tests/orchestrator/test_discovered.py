"""Inputs that only a compile finds out about. While they are the same, the object is reused; where one changed,
appeared or vanished, it is made again, and the reason names it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import anyio
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from actors.compiler.toolchain import CompileJob, Summarised, SummariseJob
from actors.digests import NO_STAMP
from actors.result import Reason
from actors.scanner.snapshot import Snapshot, decode
from orchestrator import Sources
from orchestrator.report.explain import why
from orchestrator.testing.toolchain import IncludingToolchain
from tests.helpers.plain_builds import Bench, opened, write
from tests.helpers.projects import stamp_anew

pytestmark = pytest.mark.anyio

TEXTS = {"main": "use low::f\nrun f\n", "low": "include table\ninclude gone\npub f = 1\n", "other": "pub g =\n"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A module that includes a file, and one that is not there."""
    folder = tmp_path / "app"
    write(folder, TEXTS)
    put(folder / "table", "uno")
    return folder


def put(file: Path, text: str | None) -> None:
    """Write a file, or remove it, so that no stamp stays."""
    if text is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(text)
    stamp_anew(file)


async def built(bench: Bench, **more: object) -> tuple[list[str], dict[str, Reason], bytes]:
    """Build. Returns what was really compiled, why, and the program."""
    result = await bench.build(**more)
    assert result.success and result.program is not None, result.diagnostics
    compiled = bench.toolchain.compiled_modules()
    return sorted(compiled), result.reasons, result.program.read_bytes()


CHANGES = {
    "changed": ("table", "two"),
    "vanished": ("table", None),
    "appeared": ("gone", "here"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_in_an_open_project(project: Path, change: str) -> None:
    name, text = CHANGES[change]
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        assert (await built(bench))[0] == ["low", "main", "other"]
        for _ in range(3):
            assert (await built(bench))[0] == []
        put(project / name, text)
        compiled, reasons, program = await built(bench)
        assert (compiled, reasons["low"]) == (["low"], Reason(kind="input", fields=("inputs",), via=(name,)))
        assert why(reasons["low"]) == f"reads {name}, which changed"
        assert (b"uno" in program, b"two" in program, b"here" in program) == (
            change == "appeared",
            change == "changed",
            change == "appeared",
        )
        for _ in range(3):
            assert (await built(bench))[0] == []


@pytest.mark.parametrize("change", CHANGES)
async def test_in_a_new_process(project: Path, change: str) -> None:
    name, text = CHANGES[change]
    for compiled in (["low", "main", "other"], [], []):
        async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
            assert (await built(bench))[0] == compiled
    put(project / name, text)
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        compiled, reasons, _ = await built(bench)
        assert (compiled, reasons["low"].kind, reasons["low"].via) == (["low"], "input", (name,))
        assert (await built(bench))[0] == []
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        assert (await built(bench))[0] == []


async def test_beside_another_edit(project: Path) -> None:
    """The rows of other modules are made again; an object with the same inputs is a hit for the plan all the same."""
    for text in ("pub g = 1\n", "pub g = 2\n"):
        write(project, {"other": text})
        async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
            assert "low" not in (await built(bench))[0] or text == "pub g = 1\n"
    write(project, {"other": "pub g = 3\n", "low": TEXTS["low"] + "pub h = 1\n"})
    put(project / "table", "two")
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        compiled, reasons, program = await built(bench)
        assert (compiled, b"two" in program) == (["low", "main", "other"], True)
        assert reasons["low"] == Reason(kind="source", fields=("source", "inputs"))


def checkout(project: Path, name: str) -> Path:
    """Another checkout of the same contents, that has the cache of the first, and no build of its own."""
    folder = project.parent / name
    shutil.copytree(project, folder)
    shutil.rmtree(folder / ".ruchy-cache/snapshots")
    shutil.rmtree(folder / "build")
    return folder


async def test_in_another_checkout(project: Path) -> None:
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        first = (await built(bench))[2]
    same, different = checkout(project, "same"), checkout(project, "different")
    put(different / "table", "two")
    async with opened(same, toolchain=IncludingToolchain(str(same))) as bench:
        assert (await bench.project.cache.lookup("low")) is not None
        compiled, _, program = await built(bench)
        assert (compiled, program) == ([], first)
        for _ in range(3):
            assert (await built(bench))[0] == []
    async with opened(different, toolchain=IncludingToolchain(str(different))) as bench:
        assert (await bench.project.cache.lookup("low")) is None
        compiled, reasons, program = await built(bench)
        assert (compiled, reasons["low"].kind, b"two" in program) == (["low"], "first", True)


async def test_one_cache_two_checkouts(project: Path, tmp_path: Path) -> None:
    """The key has one object at a time, and each checkout takes it only where it is its own."""
    other = tmp_path / "other"
    shutil.copytree(project, other)
    put(other / "table", "two")
    programs = {}
    for folder in (project, other, project, other):
        shutil.rmtree(folder / ".ruchy-cache/snapshots", ignore_errors=True)
        async with opened(folder, toolchain=IncludingToolchain(str(folder)), folder=str(tmp_path / "cache")) as bench:
            _, _, program = await built(bench)
            assert programs.setdefault(folder, program) == program
            assert (await built(bench))[0] == []
            assert not (await bench.project.cache.verify()).damage
    assert len(set(programs.values())) == 2


async def test_a_touched_input_is_read_once(project: Path) -> None:
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        await built(bench)
        await built(bench)
        stamp_anew(project / "table")
        bench.disk.reads.clear()
        assert (await built(bench))[0] == []
        assert bench.disk.reads.count(str(project / "table")) == 1
        bench.disk.reads.clear()
        write(project, {"other": "pub g = 1\n"})
        assert (await built(bench))[0] == ["other"]
        assert bench.disk.reads.count(str(project / "table")) == 0


async def test_a_link_is_read_again_and_again(project: Path, tmp_path: Path) -> None:
    (project / "table").unlink()
    (project / "table").symlink_to(tmp_path / "elsewhere")
    for text, compiled in (("uno", ["low", "main", "other"]), ("uno", []), ("two", ["low"])):
        put(tmp_path / "elsewhere", text)
        async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
            assert (await built(bench))[0] == compiled
            assert (await built(bench))[0] == []


async def test_an_input_outside_of_the_project(project: Path, tmp_path: Path) -> None:
    put(tmp_path / "table", "far")
    for _ in range(2):
        async with opened(project, toolchain=IncludingToolchain(str(tmp_path))) as bench:
            await built(bench)
    async with opened(project, toolchain=IncludingToolchain(str(tmp_path))) as bench:
        assert (await built(bench))[0] == []
        put(tmp_path / "table", "away")
        compiled, reasons, program = await built(bench)
        assert (compiled, reasons["low"].via) == (["low"], (str(tmp_path / "table"),))
        assert b"away" in program


async def test_force_and_verify(project: Path) -> None:
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        await built(bench)
        assert (await bench.build(verify=1.0)).success
        put(project / "table", "two")
        assert (await bench.build(verify=1.0)).success
        assert (await built(bench))[0] == []
        compiled, reasons, _ = await built(bench, force=True)
        assert (compiled, reasons["low"].kind) == (["low", "main", "other"], "forced")
        assert (await built(bench))[0] == []


def snapshot_of(project: Path) -> Snapshot:
    files = sorted((project / ".ruchy-cache/snapshots").iterdir())
    [snapshot] = filter(None, [decode(file.read_bytes()) for file in files])
    return snapshot


async def test_the_snapshot_has_their_stamps(project: Path) -> None:
    """So that nothing is imported, and no actor asked, where they are as they were."""
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        await built(bench)
        await bench.ended()
        found = snapshot_of(project)
        stamps = {extra.path: extra.stamp for extra in found.extras}
        assert stamps[str(project / "table")] == bench.disk.stamp(str(project / "table")) != NO_STAMP
        assert str(project / "gone") in found.absent
        assert found.quiet
        bench.disk.now = 1  # Every stamp is of the future, and none is believed.
        put(project / "table", "two")
        await built(bench)
        await bench.ended()
        stamps = {extra.path: extra.stamp for extra in snapshot_of(project).extras}
        assert stamps[str(project / "table")] == NO_STAMP


class Together(IncludingToolchain):
    """As if each item were compiled by itself: so modules have parts, and objects may be given back."""

    def summarise(self, job: SummariseJob) -> Summarised:
        found = super().summarise(job).summary
        assert found is not None
        items = tuple([msgspec.structs.replace(item, code=True) for item in found.items])
        return Summarised(summary=msgspec.structs.replace(found, items=items))


async def test_an_object_given_back_keeps_its_inputs(project: Path) -> None:
    """Where a module's key is another one and its parts are not, its inputs decide."""
    write(project, {"main": "use top::t\nrun t\n", "top": "use low::f\ninclude table\npub t = f\n"})
    write(project, {"low": "pub f =\n"})
    async with opened(project, toolchain=Together(str(project))) as bench:
        await built(bench)
        write(project, {"low": "pub f =\nh = 1\n"})
        result = await bench.build()
        assert (result.recompiled, bench.toolchain.compiled_modules()) == (["low", "main", "top"], ["main", "low"])
        write(project, {"low": "pub f =\nh = 2\n"})
        put(project / "table", "two")
        compiled, reasons, program = await built(bench)
        assert (compiled, b"two" in program) == (["low", "main", "top"], True)
        assert (reasons["top"].kind, reasons["top"].fields) == ("import", ("imports", "inputs"))
        assert (await built(bench))[0] == []
    async with opened(project, toolchain=Together(str(project))) as bench:
        assert (await built(bench))[0] == []
        put(project / "table", "three")
        assert (await built(bench))[0] == ["top"]


class Busy(IncludingToolchain):
    """Writes to the input after it was read."""

    later: str | None = None

    def compile(self, job: CompileJob):  # type: ignore[no-untyped-def]
        made = super().compile(job)
        if self.later is not None and job.module == "low":
            put(Path(self.folder, "table"), self.later)
            self.later = None
        return made


async def test_an_input_that_changes_during_the_build(project: Path) -> None:
    toolchain = Busy(str(project))
    toolchain.later = "two"
    async with opened(project, toolchain=toolchain) as bench:
        assert b"uno" in (await built(bench))[2]
        stamps = {extra.path: extra.stamp for extra in snapshot_of(project).extras}
        assert stamps[str(project / "table")] == NO_STAMP  # or `wasmill build` would take this for up to date
        compiled, reasons, program = await built(bench)
        assert (compiled, reasons["low"].kind, b"two" in program) == (["low"], "input", True)
        toolchain.later = "four"
        put(project / "table", "three")
        assert b"three" in (await built(bench))[2]
    async with opened(project, toolchain=IncludingToolchain(str(project))) as bench:
        compiled, _, program = await built(bench)
        assert (compiled, b"four" in program) == (["low"], True)


# ------------------------------------------------------------------------------------------------ any edits

FILES = ["table", "gone", "third"]
steps = st.one_of(
    st.tuples(st.sampled_from(FILES), st.sampled_from([None, "uno", "two"])),
    st.tuples(st.sampled_from(list(TEXTS)), st.lists(st.sampled_from(FILES), max_size=2)),
    st.tuples(st.sampled_from(["a new process", "another checkout"]), st.none()),
)


class InputsModel:
    """The sources, the inputs, and what the cache has: for each key what its object included."""

    def __init__(self) -> None:
        self.texts = dict(TEXTS)
        self.files: dict[str, str | None] = {"table": "uno"}
        self.cache: dict[tuple[str, ...], list[str | None]] = {}

    def compiled(self) -> list[str]:
        """The modules that a build must compile, and no others."""
        found = []
        for module, text in self.texts.items():
            key = (module, text, self.texts["low"] if module == "main" else "")
            lines = [line.split() for line in text.splitlines() if line.startswith("include")]
            included = [self.files.get(name) for _, name in lines]
            if key not in self.cache or self.cache[key] != included:
                found.append(module)
            self.cache[key] = included
        return sorted(found)

    def take(self, folder: Path, name: str, what: str | list[str] | None) -> None:
        if isinstance(what, list):
            rest = [line for line in TEXTS[name].splitlines() if not line.startswith("include")]
            self.texts[name] = "\n".join([*[f"include {one}" for one in what], *rest, ""])
            write(folder, {name: self.texts[name]})
        else:
            self.files[name] = what
            put(folder / name, what)


async def follow(history: list[tuple[str, str | list[str] | None]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        model, folder, waiting = InputsModel(), Path(place, "app"), list(history)
        write(folder, TEXTS)
        put(folder / "table", "uno")
        while True:
            async with opened(folder, toolchain=IncludingToolchain(str(folder))) as bench:
                while True:
                    compiled, _, program = await built(bench)
                    assert compiled == model.compiled()
                    sources = Sources({f"{name}.plain": text for name, text in model.texts.items()})
                    async with opened(sources, toolchain=IncludingToolchain(str(folder))) as fresh:
                        assert (await built(fresh))[2] == program
                    if not waiting:
                        return
                    name, what = waiting.pop(0)
                    if name.startswith("a"):
                        break
                    model.take(folder, name, what)
            if name == "another checkout":
                folder = checkout(folder, f"copy{len(waiting)}")


@pytest.mark.slow
@settings(max_examples=20 if settings().max_examples == 100 else settings().max_examples)
@given(st.lists(steps, min_size=1, max_size=8))
def test_any_edits_compile_what_they_must_and_nothing_else(history: list[tuple[str, str | list[str] | None]]) -> None:
    anyio.run(follow, history)
