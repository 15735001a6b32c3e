"""The law of reuse on every program that we have: the same bytes, warnings and lists, whatever is reused."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from actors.compiler.toolchain import CompileJob, LinkInput, LinkJob
from orchestrator.wasm.reader import read_object
from tests.helpers.programs import read_folder
from tests.helpers.reuse_tools import RUCHY, WrongError, compiled, fragments_of, jobs

HERE = Path(__file__).parent
CONFORMANCE = HERE.parent / "conformance"
ROOMS = (HERE / "stage1", CONFORMANCE / "single", CONFORMANCE / "traps")
PROJECTS = [*CONFORMANCE.joinpath("projects").iterdir(), HERE.parents[1] / "docs" / "examples" / "invoice"]


def _jobs(number: int) -> list[CompileJob]:
    """An eighth of the corpus; programs with constructs of stage 2 are left out."""
    sources = [{"main.ruchy": path.read_bytes().decode()} for room in ROOMS for path in sorted(room.glob("*.ruchy"))]
    sources += [read_folder(str(folder)) for folder in sorted(PROJECTS)]
    found: list[CompileJob] = []
    for source in sources[number::8]:
        try:
            found += jobs(source).values()
        except WrongError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(8))
def test_reuse_changes_nothing(number):
    chance = random.Random(number)
    checked = 0
    for job in _jobs(number):
        try:
            whole = compiled(job)
        except WrongError:
            continue
        kept = fragments_of(whole)
        names = {digest: name for name, digest in job.fingerprints.items()}
        assert set(kept) == set(names), "every item with code can be reused"
        assert whole.compiled == whole.functions
        read_object(whole.data)
        order = sorted(kept)
        for given in (order, chance.sample(order, len(order) // 2), chance.sample(order, min(1, len(order)))):
            again = compiled(job, {digest: kept[digest] for digest in given})
            reused = {names[digest] for digest in given}
            assert again.data == whole.data
            assert again.warnings == whole.warnings
            assert again.functions == whole.functions
            assert again.compiled == tuple(one for one in whole.functions if one.partition(".")[0] not in reused)
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("profile", ["dev", "release"])
def test_linkers_do_not_see_what_is_kept(profile):
    sources = read_folder(str(HERE.parents[1] / "docs" / "examples" / "invoice"))
    made = jobs(sources)

    def program(keeping: bool) -> bytes | None:
        inputs: list[LinkInput] = []
        for module, job in sorted(made.items(), key=lambda one: (one[0] != "main", one[0])):
            found = compiled(job if keeping else msgspec.structs.replace(job, fingerprints={}))
            assert (b"wasmill.fragments" in found.data) == (b"wasmill.functions" in found.data) == keeping
            inputs.append(LinkInput(module=module, path=job.path, data=found.data))
        linked = RUCHY.link(LinkJob(entry="main", objects=tuple(inputs), options={"profile": profile}))
        return linked.program

    assert program(True) == program(False) is not None
