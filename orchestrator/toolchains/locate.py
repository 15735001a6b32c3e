"""Where a toolchain is, and loading it."""

from __future__ import annotations

from actors.compiler.toolchain import Toolchain, load_toolchain
from orchestrator.errors import ProjectError


def locate_toolchain(name: str) -> str:
    """Where the toolchain of this name is, as "module:attribute". Raises ProjectError where none is installed."""
    if name == "ruchy":  # Known without looking through everything that is installed.
        return "orchestrator.toolchains.ruchy:Ruchy"
    if ":" in name:
        return name
    from importlib.metadata import entry_points

    points = entry_points(group="wasmill.toolchains", name=name)
    if not points:
        names = ", ".join(sorted({point.name for point in entry_points(group="wasmill.toolchains")}))
        raise ProjectError(f"there is no toolchain `{name}`", hint=f"installed are: {names}")
    point = next(iter(points))
    return f"{point.module}:{point.attr}"


def load_named(name: str) -> Toolchain:
    """The toolchain at "module:attribute". Raises ProjectError."""
    try:
        return load_toolchain(name)
    except (ImportError, AttributeError) as error:
        raise ProjectError(f"there is no toolchain `{name}`: {error}") from error
