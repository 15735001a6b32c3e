"""Wasmill: an incremental, content-addressed, parallel compilation orchestrator for WebAssembly.

    async with orchestrator.open("docs/examples/invoice") as project:
        result = await project.build()

Names are imported on first use (PEP 562), so that importing this package costs nothing.
"""

TYPE_CHECKING = False  # that of `typing`, which would cost a tenth of a start (see cli/uptodate.py)

if TYPE_CHECKING:
    from actors.diagnostics import Diagnostic
    from orchestrator.api import Cache, CachedObject, Project, open  # noqa: A004
    from orchestrator.errors import (
        BuildCancelled,
        BuildFailed,
        ConfigError,
        FileError,
        ProjectBroken,
        ProjectError,
        UsageError,
        WasmillError,
    )
    from orchestrator.result import BuildResult, DependencyGraph, RunResult
    from orchestrator.sources import Sources

_HOMES = {
    "BuildCancelled": "orchestrator.errors",
    "BuildFailed": "orchestrator.errors",
    "BuildResult": "orchestrator.result",
    "Cache": "orchestrator.api",
    "CachedObject": "orchestrator.api",
    "ConfigError": "orchestrator.errors",
    "DependencyGraph": "orchestrator.result",
    "Diagnostic": "actors.diagnostics",
    "FileError": "orchestrator.errors",
    "Project": "orchestrator.api",
    "ProjectBroken": "orchestrator.errors",
    "ProjectError": "orchestrator.errors",
    "RunResult": "orchestrator.result",
    "Sources": "orchestrator.sources",
    "UsageError": "orchestrator.errors",
    "WasmillError": "orchestrator.errors",
    "open": "orchestrator.api",
}

__all__ = [
    "BuildCancelled",
    "BuildFailed",
    "BuildResult",
    "Cache",
    "CachedObject",
    "ConfigError",
    "DependencyGraph",
    "Diagnostic",
    "FileError",
    "Project",
    "ProjectBroken",
    "ProjectError",
    "RunResult",
    "Sources",
    "UsageError",
    "WasmillError",
    "open",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
