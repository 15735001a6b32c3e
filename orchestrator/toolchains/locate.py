"""Where a toolchain is, and loading it."""

from __future__ import annotations

from actors.compiler.toolchain import Toolchain, load_toolchain
from orchestrator.errors import ProjectError

GROUP = "wasmill.toolchains"
"""The entry-point group in which toolchains are installed."""

BUILT_IN = {"ruchy": "orchestrator.toolchains.ruchy:Ruchy"}
"""Toolchains that are found without looking through everything that is installed."""


def installed() -> dict[str, str]:
    """All installed toolchains: "module:attribute" by name, sorted. Reads the entry points of the whole environment."""
    from importlib.metadata import entry_points

    found = {point.name: f"{point.module}:{point.attr}" for point in entry_points(group=GROUP)}
    return dict(sorted({**found, **BUILT_IN}.items()))


def locate_toolchain(name: str) -> str:
    """Where the toolchain of this name is, as "module:attribute". Raises ProjectError where none is installed."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if ":" in name:
        return name
    found = installed()
    if name not in found:
        raise ProjectError(f"there is no toolchain `{name}`", hint=f"installed are: {', '.join(found)}")
    return found[name]


def load_named(name: str) -> Toolchain:
    """The toolchain at "module:attribute". Raises ProjectError."""
    try:
        return load_toolchain(name)
    except (ImportError, AttributeError) as error:
        raise ProjectError(f"there is no toolchain `{name}`: {error}") from error
