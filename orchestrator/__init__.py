"""Wasmill: an incremental, content-addressed, parallel compilation orchestrator for WebAssembly.

    async with orchestrator.open("docs/examples/invoice") as project:
        result = await project.build()

Names are imported on first use (PEP 562), so that importing this package costs nothing. All that public calls take and
give has its name here. `BuildCancelled` is the exception; the event of that name is in
`orchestrator.events`.
"""

TYPE_CHECKING = False  # that of `typing`, which would cost a tenth of a start (see cli/uptodate.py)

if TYPE_CHECKING:
    from actors.compiler.toolchain import Toolchain
    from actors.compiler.toolchains import Toolchains
    from actors.diagnostics import Diagnostic
    from actors.digests import Digest
    from actors.events import (
        ActorState,
        BuildFinished,
        BuildStalled,
        BuildStarted,
        CacheDegraded,
        CacheHit,
        CacheMiss,
        CacheTooSmall,
        CompiledTwice,
        CompileFinished,
        CompileStarted,
        DiagnosticFound,
        EntriesEvicted,
        EntryQuarantined,
        Event,
        EventsLost,
        FileSkipped,
        GraphResolved,
        InputChanged,
        LinkStarted,
        ModuleBlocked,
        ModuleFailed,
        ModuleSummarised,
        NondeterministicToolchain,
        ObjectStored,
        ObjectsVerified,
        ProgramLinked,
        ProgramWritten,
        RunningJob,
        SourceRead,
        SourcesScanned,
        Subscription,
    )
    from actors.messages import CacheStatistics, Collected, Damage, MemorySource, Verified
    from actors.offload import Offload
    from actors.result import Difference, Reason
    from actors.system import MailboxStatistics, System, Tap, TapRecord
    from orchestrator.api import Cache, CachedObject, Project, Source, open  # noqa: A004
    from orchestrator.config import Config
    from orchestrator.dependencies import DependencyGraph
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
    from orchestrator.keywords import Limits, Settings
    from orchestrator.result import BuildResult, RunResult
    from orchestrator.sources import Sources

    __version__: str

_HOMES = {
    "ActorState": "actors.events",
    "BuildCancelled": "orchestrator.errors",
    "BuildFailed": "orchestrator.errors",
    "BuildFinished": "actors.events",
    "BuildResult": "orchestrator.result",
    "BuildStalled": "actors.events",
    "BuildStarted": "actors.events",
    "Cache": "orchestrator.api",
    "CacheDegraded": "actors.events",
    "CacheHit": "actors.events",
    "CacheMiss": "actors.events",
    "CacheStatistics": "actors.messages",
    "CacheTooSmall": "actors.events",
    "CachedObject": "orchestrator.api",
    "Collected": "actors.messages",
    "CompileFinished": "actors.events",
    "CompileStarted": "actors.events",
    "CompiledTwice": "actors.events",
    "Config": "orchestrator.config",
    "ConfigError": "orchestrator.errors",
    "Damage": "actors.messages",
    "DependencyGraph": "orchestrator.dependencies",
    "Diagnostic": "actors.diagnostics",
    "DiagnosticFound": "actors.events",
    "Difference": "actors.result",
    "Digest": "actors.digests",
    "EntriesEvicted": "actors.events",
    "EntryQuarantined": "actors.events",
    "Event": "actors.events",
    "EventsLost": "actors.events",
    "FileError": "orchestrator.errors",
    "FileSkipped": "actors.events",
    "GraphResolved": "actors.events",
    "InputChanged": "actors.events",
    "Limits": "orchestrator.keywords",
    "LinkStarted": "actors.events",
    "MailboxStatistics": "actors.system",
    "MemorySource": "actors.messages",
    "ModuleBlocked": "actors.events",
    "ModuleFailed": "actors.events",
    "ModuleSummarised": "actors.events",
    "NondeterministicToolchain": "actors.events",
    "ObjectStored": "actors.events",
    "ObjectsVerified": "actors.events",
    "Offload": "actors.offload",
    "ProgramLinked": "actors.events",
    "ProgramWritten": "actors.events",
    "Project": "orchestrator.api",
    "ProjectBroken": "orchestrator.errors",
    "ProjectError": "orchestrator.errors",
    "Reason": "actors.result",
    "RunResult": "orchestrator.result",
    "RunningJob": "actors.events",
    "Settings": "orchestrator.keywords",
    "Source": "orchestrator.api",
    "SourceRead": "actors.events",
    "Sources": "orchestrator.sources",
    "SourcesScanned": "actors.events",
    "Subscription": "actors.events",
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

_MODULES = ("events", "sync")

__all__ = [
    "ActorState",
    "BuildCancelled",
    "BuildFailed",
    "BuildFinished",
    "BuildResult",
    "BuildStalled",
    "BuildStarted",
    "Cache",
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
    "FileError",
    "FileSkipped",
    "GraphResolved",
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
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
        value = getattr(import_module(home), name)
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
