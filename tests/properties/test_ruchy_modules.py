"""Projects of a few modules that lean on one another, right and wrong ones: no bug of the compiler is ever told of
(E0901), all that is accepted validates, and a build upon an earlier one gives what a clean one gives."""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import orchestrator
from actors.diagnostics import Diagnostic
from actors.disk import RealDisk
from actors.offload import InlineOffload
from orchestrator import BuildResult, Sources
from orchestrator.wasm.validate import validate
from tests.helpers.programs import build
from tests.helpers.untrusted_values import share
from tests.properties.ruchy_modules import WRONG, RandomProject, spoiled

pytestmark = [pytest.mark.hypothesis, pytest.mark.slow]
SEEDS = st.integers(0, 1 << 40)


def opened(sources: Sources) -> orchestrator.Project:
    return orchestrator.open(sources, jobs=1, offload=InlineOffload(RealDisk()))


def replaced(sources: Sources, files: dict[str, str]) -> None:
    """Makes the edits that lead to these files."""
    for path, text in files.items():
        if sources.get(path) != text:
            sources[path] = text


class BuiltProject(NamedTuple):
    """What came of a build. `program` is "" where there is none."""

    result: BuildResult
    program: bytes

    def errors(self) -> list[Diagnostic]:
        found = [one for one in self.result.diagnostics if one.severity == "error"]
        assert self.result.success == (not found)
        assert not [one for one in found if one.code in ("E0901", "E0514")], found
        return found

    def valid_program(self) -> bytes:
        assert self.errors() == []
        assert validate(self.program) is None
        return self.program


def builds(*versions: dict[str, str]) -> list[BuiltProject]:
    """What one open project makes of these files, one version after the other."""

    async def all_of_them() -> list[BuiltProject]:
        sources = Sources(versions[0])
        async with opened(sources) as project:
            found = []
            for files in versions:
                replaced(sources, files)
                result = await project.build()
                found.append(BuiltProject(result, result.program.read_bytes() if result.program else b""))
            return found

    return anyio.run(all_of_them)


def edited(files: dict[str, str], seed: int) -> dict[str, str]:
    """A project of which one number somewhere is another one: in a constant, a default, or a body."""
    pick = Random(seed)
    places = [(path, found.start()) for path, text in sorted(files.items()) for found in re.finditer(r" \+ ", text)]
    if not places:
        return files
    path, at = pick.choice(places)
    return {**files, path: f"{files[path][:at]} + 1{files[path][at:]}"}


@given(SEEDS)
@share(90)
def test_projects_that_are_right_compile(seed: int) -> None:
    built = build(RandomProject(seed).files)
    assert built.errors() == []
    assert built.program is not None and validate(built.program) is None


@given(SEEDS)
@share(35)
def test_results_constants_and_defaults_that_may_need_themselves(seed: int) -> None:
    """Whatever needs itself, through however many modules, is understood, or is told of at its place."""
    files = RandomProject(seed, wild=True).files
    (built,) = builds(files)
    assert all(found.file in files and found.line for found in built.errors())
    if built.result.success:
        built.valid_program()


@given(SEEDS)
@share(20)
def test_a_build_upon_an_earlier_one_gives_what_a_clean_one_gives(seed: int) -> None:
    before = RandomProject(seed).files
    after = edited(before, seed)
    first, second = builds(before, after)
    (clean,) = builds(after)
    assert first.valid_program()
    assert second.valid_program() == clean.valid_program()


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_each_kind_of_what_is_wrong_is_an_error(kind: str) -> None:
    """A kind that the language learns to accept must leave the table: the test below draws few of them in a run."""
    wrong, path = spoiled(RandomProject(0).files, kind, 0)
    (built,) = builds(wrong)
    assert {one.file for one in built.errors()} == {path}


@given(SEEDS, st.sampled_from(sorted(WRONG)))
@share(18)
def test_what_is_wrong_is_told_in_its_module_and_blocks_the_others(seed: int, kind: str) -> None:
    """By a clean build, and by one upon a build that was well; and nothing of it is left when it is mended."""
    files = RandomProject(seed).files
    wrong, path = spoiled(files, kind, seed)
    before, spoilt, after = builds(files, wrong, files)
    (clean,) = builds(wrong)
    assert before.valid_program() == after.valid_program()
    found = spoilt.errors()
    assert found and all(one.file == path and one.line for one in found)
    assert (clean.errors(), clean.result.blocked) == (found, spoilt.result.blocked)
