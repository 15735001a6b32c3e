"""The registries of diagnostic codes: the engine's, and those of all installed toolchains."""

from __future__ import annotations

from collections.abc import Mapping

from actors import codes
from actors.codes import Code
from actors.compiler.toolchain import Explains
from orchestrator.errors import ProjectError
from orchestrator.toolchains.locate import installed, load_named


def registries() -> dict[str, Mapping[str, Code]]:
    """Returns the engine's registry under "", and each toolchain's under its name, sorted. A toolchain that cannot be
    loaded is left out, so that the codes of the others can still be explained."""
    by_owner: dict[str, Mapping[str, Code]] = {"": codes.CODES}
    for name, place in installed().items():
        try:
            toolchain = load_named(place)
        except ProjectError:
            continue
        if isinstance(toolchain, Explains):
            by_owner[name] = toolchain.codes()
    return by_owner


def all_codes() -> dict[str, Code]:
    """Returns every code of every registry. If two registries have the same code, which is a bug, the engine's wins,
    then that of the toolchain whose name comes first."""
    merged: dict[str, Code] = {}
    for registry in reversed(registries().values()):
        merged.update(registry)
    return merged
