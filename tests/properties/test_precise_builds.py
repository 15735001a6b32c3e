"""Random Ruchy projects under random edits: after every step, what an incremental build makes is what a build from an
empty cache makes, byte for byte; and it compiles the functions, and modules, that the oracle says, and no others."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from orchestrator import BuildResult, Sources, sync
from tests.properties.ruchy_edits import EDITS, Editor
from tests.properties.ruchy_projects import EditedProject, ProjectOracle

CHANCE = st.integers(0, 2**32 - 1)
"""All that a step chooses follows from one number: numbers that Hypothesis draws one by one are mostly small ones."""
PARTS = 8
"""The cases come in so many tests, so that a long run can be cut into shards."""
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def objects_of(project: sync.Project, result: BuildResult, names: list[str]) -> dict[str, bytes | None]:
    """What the cache has for the modules that are well."""
    wanted = sorted(set(names) - {*result.failed, *result.blocked})
    return {name: one.data if one else None for name, one in project.cache.lookup_all(wanted).items()}


def said(result: BuildResult) -> list[Any]:
    return list(result.diagnostics)


class PreciseBuilds(RuleBasedStateMachine):
    invalidation = "precise"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="wasmill-precise-"))
        self.project = EditedProject({}, [])
        self.earlier: list[EditedProject] = []
        self.good: EditedProject | None = None
        self.open: sync.Project | None = None
        self.functions: set[Any] = set()
        """Keys of functions that some object in the cache holds; `maybe`: that may be there, from failed builds."""
        self.modules: set[Any] = set()
        self.maybe: set[Any] = set()

    def teardown(self) -> None:
        self.close()
        shutil.rmtree(self.folder)

    def close(self) -> None:
        if self.open is not None:
            self.open.__exit__(None, None, None)
            self.open = None

    # ---- steps

    @initialize(chance=CHANCE)
    def begin(self, chance: int) -> None:
        Editor(self.project, Random(chance).randrange).grow()
        self.build()

    @rule(chance=CHANCE)
    def step(self, chance: int) -> None:
        """An edit, mostly of a project that is right: builds of wrong ones have little to compare. Sometimes back to
        what was, sometimes in a new process, which knows what the one before left on disk."""
        random = Random(chance)
        if random.random() < 0.15:
            self.close()
        if random.random() < 0.15:
            self.project = random.choice(self.earlier).copied()
        else:
            if self.good is not None and random.random() < 0.75:
                self.project = self.good.copied()
            getattr(Editor(self.project, random.randrange), random.choice(EDITS))()
        self.build()

    # ---- building and comparing

    def build(self) -> None:
        Editor(self.project, int).settle()
        self.earlier.append(self.project.copied())
        texts = self.project.texts()
        self.write(texts)
        keeping: dict[str, Any] = {"jobs": 1, "invalidation": self.invalidation}
        if self.open is None:
            self.open = sync.open(self.folder, **keeping).__enter__()
        result = self.open.build()
        names = [name.removesuffix(".ruchy") for name in texts]
        made = objects_of(self.open, result, names)
        with sync.open(Sources(texts), **keeping) as fresh:
            wanted = fresh.build()
            assert (result.success, result.failed, result.blocked) == (wanted.success, wanted.failed, wanted.blocked)
            assert said(result) == said(wanted)
            assert made == objects_of(fresh, wanted, names)
            assert (result.program is None) == (wanted.program is None)
            if result.program and wanted.program:
                assert result.program.read_bytes() == wanted.program.read_bytes()
        self.compare(result)

    def compare(self, result: BuildResult) -> None:
        """What was compiled against what the oracle says. What a build of a wrong project leaves in the cache depends
        on what was compiled before the failure was known: that may be there later, or not."""
        oracle = ProjectOracle(self.project)
        functions, modules = oracle.functions(), oracle.modules()
        if not result.success:
            self.maybe |= {*functions.values(), *modules.values()}
            return
        self.good = self.project.copied()
        recompiled, compiled = set(result.recompiled), written(result.recompiled_functions)
        groups = oracle.in_groups()
        inside = {name for name in functions if name.rpartition("::")[0] in recompiled}
        must = {name for name in inside if functions[name] not in self.functions | self.maybe}
        assert must <= compiled, f"not compiled: {sorted(must - compiled)}"
        needless = {name for name in compiled if functions[name] in self.functions} - groups
        assert not needless, f"compiled for nothing: {sorted(needless)}"
        must = {name for name, key in modules.items() if key not in self.modules | self.maybe}
        assert must <= recompiled, f"not recompiled: {sorted(must - recompiled)}"
        needless = {name for name in recompiled if modules[name] in self.modules}
        needless -= {name.rpartition("::")[0] for name in groups}
        assert self.invalidation != "precise" or not needless, f"recompiled for nothing: {sorted(needless)}"
        assert compiled | recompiled == written(result.reasons)
        self.functions |= set(functions.values())
        self.modules |= set(modules.values())

    def write(self, texts: dict[str, str]) -> None:
        for file in self.folder.rglob("*.ruchy"):
            if str(file.relative_to(self.folder)) not in texts:
                file.unlink()
        for name, text in texts.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() or file.read_text() != text:
                file.write_text(text)


def written(names: Iterable[str]) -> set[str]:
    """Without lambdas and instances of generic functions: they belong to the function around or to its caller."""
    return {name for name in names if "|" not in name}


def part(number: int) -> type[Any]:
    """One of the tests; the last two under `transitive`, where the same functions are compiled."""
    more = {"invalidation": "precise" if number < PARTS - 2 else "transitive"}
    machine = type(f"Builds{number}", (PreciseBuilds,), more)
    if not LONG:
        machine = seed(number)(machine)
    case: type[Any] = machine.TestCase
    case.settings = settings(
        max_examples=(10_000 if LONG else 64) // PARTS,
        stateful_step_count=7,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    marked: type[Any] = pytest.mark.slow(pytest.mark.timeout(7200)(case))
    return marked


for number in range(PARTS):
    globals()[f"TestBuilds{number}"] = part(number)
