"""Wasmill: an incremental, content-addressed, parallel compilation orchestrator for WebAssembly.

    async with orchestrator.open("docs/examples/invoice") as project:
        result = await project.build()

Names are imported on first use (PEP 562), so importing this package costs nothing. Everything that public calls accept
or return has its name here. The names of events are listed in `actors/events.py`. `BuildCancelled` is the exception;
the event with that name is in `orchestrator.events`.
"""

# ruff: noqa: F405

TYPE_CHECKING = False  # not from `typing`, which would cost a tenth of the start-up time (see cli/uptodate.py)

if TYPE_CHECKING:
    from actors.compiler.toolchain import Toolchain
    from actors.compiler.toolchains import Toolchains
    from actors.diagnostics import Diagnostic
    from actors.digests import Digest
    from actors.events import *  # noqa: F403
    from actors.messages import (
        CacheStatistics,
        Collected,
        Damage,
        Exported,
        Imported,
        MemorySource,
        RemoteCounts,
        Verified,
    )
    from actors.offload import Offload
    from actors.result import Difference, Reason
    from actors.system import MailboxStatistics, System, Tap, TapRecord
    from orchestrator.api import Cache, CachedObject, Project, Source, open  # noqa: A004
    from orchestrator.config import BuildConfig, CacheConfig, Config, RemoteConfig, RunConfig
    from orchestrator.dependencies import DependencyGraph
    from orchestrator.errors import (  # type: ignore[assignment]  # BuildCancelled replaces the event
        BuildCancelled,
        BuildFailed,
        ConfigError,
        FileError,
        ProjectBroken,
        ProjectError,
        UsageError,
        WasmillError,
    )
    from orchestrator.keywords import Limits, Settings
    from orchestrator.result import BuildResult, RunResult
    from orchestrator.sources import Sources

    __version__: str

_HOMES = {
    "BuildCancelled": "orchestrator.errors",
    "BuildConfig": "orchestrator.config",
    "BuildFailed": "orchestrator.errors",
    "BuildResult": "orchestrator.result",
    "Cache": "orchestrator.api",
    "CacheConfig": "orchestrator.config",
    "CacheStatistics": "actors.messages",
    "CachedObject": "orchestrator.api",
    "Collected": "actors.messages",
    "Config": "orchestrator.config",
    "ConfigError": "orchestrator.errors",
    "Damage": "actors.messages",
    "DependencyGraph": "orchestrator.dependencies",
    "Diagnostic": "actors.diagnostics",
    "Difference": "actors.result",
    "Digest": "actors.digests",
    "Exported": "actors.messages",
    "FileError": "orchestrator.errors",
    "Imported": "actors.messages",
    "Limits": "orchestrator.keywords",
    "MailboxStatistics": "actors.system",
    "MemorySource": "actors.messages",
    "Offload": "actors.offload",
    "Project": "orchestrator.api",
    "ProjectBroken": "orchestrator.errors",
    "ProjectError": "orchestrator.errors",
    "Reason": "actors.result",
    "RemoteConfig": "orchestrator.config",
    "RemoteCounts": "actors.messages",
    "RunConfig": "orchestrator.config",
    "RunResult": "orchestrator.result",
    "Settings": "orchestrator.keywords",
    "Source": "orchestrator.api",
    "Sources": "orchestrator.sources",
    "System": "actors.system",
    "Tap": "actors.system",
    "TapRecord": "actors.system",
    "Toolchain": "actors.compiler.toolchain",
    "Toolchains": "actors.compiler.toolchains",
    "UsageError": "orchestrator.errors",
    "Verified": "actors.messages",
    "WasmillError": "orchestrator.errors",
    "open": "orchestrator.api",
}

_EVENTS = "actors.events"
"""The home of every name in `__all__` that has none in `_HOMES`."""

_MODULES = ("events", "sync")

__all__ = [
    "ActorState",
    "BuildCancelled",
    "BuildConfig",
    "BuildFailed",
    "BuildFinished",
    "BuildResult",
    "BuildStalled",
    "BuildStarted",
    "Cache",
    "CacheConfig",
    "CacheDegraded",
    "CacheHit",
    "CacheMiss",
    "CacheStatistics",
    "CacheTooSmall",
    "CachedObject",
    "Collected",
    "CompileFinished",
    "CompileStarted",
    "CompiledTwice",
    "Config",
    "ConfigError",
    "Damage",
    "DependencyGraph",
    "Diagnostic",
    "DiagnosticFound",
    "Difference",
    "Digest",
    "EntriesEvicted",
    "EntryQuarantined",
    "Event",
    "EventsLost",
    "Exported",
    "FileError",
    "FileSkipped",
    "GraphResolved",
    "Imported",
    "InputChanged",
    "Limits",
    "LinkStarted",
    "MailboxStatistics",
    "MemorySource",
    "ModuleBlocked",
    "ModuleFailed",
    "ModuleSummarised",
    "NondeterministicToolchain",
    "ObjectStored",
    "ObjectsVerified",
    "Offload",
    "ProgramLinked",
    "ProgramWritten",
    "Project",
    "ProjectBroken",
    "ProjectError",
    "Reason",
    "RemoteConfig",
    "RemoteCounts",
    "RunConfig",
    "RunResult",
    "RunningJob",
    "Settings",
    "Source",
    "SourceRead",
    "Sources",
    "SourcesScanned",
    "Subscription",
    "System",
    "Tap",
    "TapRecord",
    "Toolchain",
    "Toolchains",
    "UsageError",
    "Verified",
    "WasmillError",
    "open",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    value: object
    if name == "__version__":
        value = _version()
    elif name in _MODULES:
        value = import_module(f"orchestrator.{name}")
    else:
        if name not in __all__:
            raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
        value = getattr(import_module(_HOMES.get(name, _EVENTS)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _version() -> str:
    """That of the installed package; "unknown" where it is only on the path."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("wasmill")
    except PackageNotFoundError:
        return "unknown"
