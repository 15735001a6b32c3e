"""Incremental equals full: after any edits, a build makes byte for byte what a build from nothing makes.

Every toolchain must keep this promise, and most break it at some time: an object that depends on something that its
summary does not mention is not compiled again when it should be. Give the oracle your toolchain and some versions of a
project::

    async def test_my_toolchain():
        await incremental_equals_full(
            MyToolchain(),
            [
                {"main": "use low::x\\ny = x", "low": "x = 1"},
                {"low": "x = 2"},                        # an edit: only what differs from the version before
                {"low": None},                           # a module is removed
                {"low": "x = 1"},                        # and comes back
            ],
            entry="main.words",
        )

It builds version after version in one open Project, each again in a new process, and each from an empty cache, in a
simulated world (`orchestrator.testing.world`), and compares objects, programs and diagnostics. A toolchain that runs
other programs needs real files: use `everything` on Projects of your own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.compiler.toolchain import Toolchain
from actors.digests import Digest
from orchestrator.api import Project
from orchestrator.result import BuildResult
from orchestrator.testing.world import World

Edit = Mapping[str, str | None]
"""New texts by module; None removes one."""


class BuildOutcome(NamedTuple):
    """The result of a build: objects by module (None: it has none), the program, and the diagnostics."""

    objects: dict[str, bytes | None]
    program: bytes | None
    diagnostics: tuple[str, ...]
    keys: dict[str, Digest]

    def differences(self, full: BuildOutcome) -> list[str]:
        """Describes how this differs from the result of a full build."""
        differences = []
        for module in sorted({*self.objects, *full.objects}):
            mine, theirs = self.objects.get(module), full.objects.get(module)
            if mine != theirs:
                differences.append(f"the object of {module}: {_compared(mine, theirs)}")
        if self.program != full.program:
            differences.append(f"the program: {_compared(self.program, full.program)}")
        if self.diagnostics != full.diagnostics:
            differences.append(f"diagnostics: {self.diagnostics!r} instead of {full.diagnostics!r}")
        return differences


class Differs(AssertionError):
    """An incremental build differs from a full one. `version` counts from 0; `differences` says where."""

    def __init__(self, version: int, how: str, differences: list[str]) -> None:
        super().__init__(f"version {version}, {how}: " + "; ".join(differences))
        self.version = version
        self.how = how
        self.differences = differences


async def everything(project: Project, read: Callable[[str], bytes]) -> BuildOutcome:
    """Builds, and gathers all that the cache has for the sources as they are, and the program; `read` reads that file.
    Whether a blocked module was compiled before its import failed is a matter of luck, so those are left out."""
    result = await project.build()
    modules = sorted(set((await project.graph()).modules) - {*result.failed, *result.blocked})
    objects = await project.cache.lookup_all(modules)
    if None in objects.values():  # A cache that could not keep something makes it when it is asked for.
        result = await project.build()
        objects = await project.cache.lookup_all(modules)
    return BuildOutcome(
        {module: cached.data if cached else None for module, cached in objects.items()},
        read(str(result.program)) if result.program else None,
        tuple(
            sorted(
                f"{diagnostic.file}:{diagnostic.line} {diagnostic.code} {diagnostic.message}"
                for diagnostic in result.diagnostics
            )
        ),
        {module: cached.key for module, cached in objects.items() if cached},
    )


async def full(toolchain: Toolchain, modules: Mapping[str, str], **settings: Any) -> BuildOutcome:
    """Builds these modules from an empty cache."""
    world = World(toolchain)
    world.write(modules)
    async with world.open(**settings) as project:
        return await everything(project, world.disk.read)


async def incremental_equals_full(toolchain: Toolchain, versions: Sequence[Edit], **settings: Any) -> list[BuildResult]:
    """Builds each version in turn, and from nothing: see the module. `settings` are those of `orchestrator.open`.
    Returns the results of the incremental builds, so that a test can look at what was compiled. Raises `Differs`."""
    world = World(toolchain)
    results: list[BuildResult] = []
    async with world.open(**settings) as project:
        for number, edit in enumerate(versions):
            _apply(world, edit)
            results.append(await project.build())
            expected = await full(toolchain, world.modules(), **settings)
            _compare(number, "in the open Project", await everything(project, world.disk.read), expected)
            async with world.open(**settings) as another:
                _compare(number, "in a new process", await everything(another, world.disk.read), expected)
    return results


def _apply(world: World, edit: Edit) -> None:
    for module, text in edit.items():
        if text is None:
            world.remove(module)
    world.write({module: text for module, text in edit.items() if text is not None})


def _compare(version: int, how: str, incremental: BuildOutcome, expected: BuildOutcome) -> None:
    differences = incremental.differences(expected)
    if differences:
        raise Differs(version, how, differences)


def _compared(mine: bytes | None, theirs: bytes | None) -> str:
    if mine is None or theirs is None:
        return "there is none" if mine is None else "there should be none"
    at = next((at for at, (own, other) in enumerate(zip(mine, theirs, strict=False)) if own != other), None)
    at = min(len(mine), len(theirs)) if at is None else at
    return f"{len(mine)} bytes instead of {len(theirs)}, the first that differs at {at}: {mine[at : at + 40]!r}"
