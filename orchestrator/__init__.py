"""Wasmill: an incremental, content-addressed, parallel compilation orchestrator for WebAssembly.

    async with orchestrator.open("docs/examples/invoice") as project:
        result = await project.build()

Names are imported on first use (PEP 562), so that importing this package costs nothing. All that public calls take and
give has its name here. `BuildCancelled` is the exception; the event of that name is `events.BuildCancelled`.
"""

TYPE_CHECKING = False  # that of `typing`, which would cost a tenth of a start (see cli/uptodate.py)

if TYPE_CHECKING:
    from actors.actor import MailboxStatistics
    from actors.compiler.toolchain import Toolchain
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
    from actors.messages import CacheStatistics, Collected, Damage, Difference, MemorySource, Reason, Verified
    from actors.offload import Offload
    from actors.system import System, Tap, TapRecord
    from orchestrator import events, sync
    from orchestrator.api import Cache, CachedObject, Project, Source, open  # noqa: A004
    from orchestrator.config import Config
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
    from orchestrator.result import BuildResult, DependencyGraph, RunResult
    from orchestrator.sources import Sources

    __version__: str

_HOMES = {
    "actors.actor": ("MailboxStatistics",),
    "actors.compiler.toolchain": ("Toolchain",),
    "actors.diagnostics": ("Diagnostic",),
    "actors.digests": ("Digest",),
    "actors.events": (
        "ActorState",
        "BuildFinished",
        "BuildStalled",
        "BuildStarted",
        "CacheDegraded",
        "CacheHit",
        "CacheMiss",
        "CacheTooSmall",
        "CompileFinished",
        "CompileStarted",
        "CompiledTwice",
        "DiagnosticFound",
        "EntriesEvicted",
        "EntryQuarantined",
        "Event",
        "EventsLost",
        "FileSkipped",
        "GraphResolved",
        "InputChanged",
        "LinkStarted",
        "ModuleBlocked",
        "ModuleFailed",
        "ModuleSummarised",
        "NondeterministicToolchain",
        "ObjectStored",
        "ObjectsVerified",
        "ProgramLinked",
        "ProgramWritten",
        "RunningJob",
        "SourceRead",
        "SourcesScanned",
        "Subscription",
    ),
    "actors.messages": (
        "CacheStatistics",
        "Collected",
        "Damage",
        "Difference",
        "MemorySource",
        "Reason",
        "Verified",
    ),
    "actors.offload": ("Offload",),
    "actors.system": (
        "System",
        "Tap",
        "TapRecord",
    ),
    "orchestrator.api": (
        "Cache",
        "CachedObject",
        "Project",
        "Source",
        "open",
    ),
    "orchestrator.config": ("Config",),
    "orchestrator.errors": (
        "BuildCancelled",
        "BuildFailed",
        "ConfigError",
        "FileError",
        "ProjectBroken",
        "ProjectError",
        "UsageError",
        "WasmillError",
    ),
    "orchestrator.keywords": (
        "Limits",
        "Settings",
    ),
    "orchestrator.result": (
        "BuildResult",
        "DependencyGraph",
        "RunResult",
    ),
    "orchestrator.sources": ("Sources",),
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
    "UsageError",
    "Verified",
    "WasmillError",
    "__version__",
    "events",
    "open",
    "sync",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    value: object
    if name == "__version__":
        value = _version()
    elif name in _MODULES:
        value = import_module(f"orchestrator.{name}")
    else:
        home = next((home for home, names in _HOMES.items() if name in names), None)
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
