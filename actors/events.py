"""The closed list of events of a build. Progress, `--json`, traces and tests all read this one stream.

Actors emit events synchronously, and `Events` hands them out. A reader never blocks an actor, unless it has asked for
a lossless subscription.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar, Union

import msgspec

from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.offload import Wakeup, wakeup
from actors.result import ResultFields

T = TypeVar("T")

__all__ = [
    "ActorState",
    "BuildCancelled",
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
]


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_dashed):
    """`build` numbers the builds of one Project, from 1."""

    build: int


class BuildStarted(_Event, frozen=True):
    """`root` is the absolute path of the source root, to which the files of diagnostics are relative; "" for modules in
    memory."""

    root: str
    profile: str
    invalidation: str
    jobs: int


class SourcesScanned(_Event, frozen=True):
    """`total` modules were found; `changed` of them have another stamp than in the snapshot, `removed` are gone."""

    total: int
    changed: int
    removed: int


class FileSkipped(_Event, frozen=True):
    """A file with the toolchain's extension was left out; `reason` says why."""

    file: str
    reason: str


class SourceRead(_Event, frozen=True):
    """A source was read; `size` is in bytes. `changed` is False where its digest is the same as before."""

    module: str
    digest: Digest
    size: int
    changed: bool


class ModuleSummarised(_Event, frozen=True):
    module: str
    duration_ms: float


class GraphResolved(_Event, frozen=True):
    """The graph was resolved: `modules` nodes, `edges`, and `components` strongly connected components."""

    modules: int
    edges: int
    components: int


class CacheHit(_Event, frozen=True):
    """`kind` is "object" or "program". A module that the last build answers for counts as a hit but has no event,
    because the cache was not asked."""

    module: str
    key: Digest
    kind: str


class CacheMiss(_Event, frozen=True):
    """`kind` is "object" or "program". `late`: the row was there and the bytes were not."""

    module: str
    key: Digest
    kind: str
    late: bool = False


NO_SLOT = -1
"""The slot of a module whose object is reused, so that no worker has it."""


class CompileStarted(_Event, frozen=True):
    """A worker begins with a module; or its object of the last build is reused without a worker (`slot` -1)."""

    module: str
    slot: int


class CompileFinished(_Event, frozen=True):
    module: str
    slot: int
    duration_ms: float
    compiled_functions: int
    reused_functions: int


class ModuleFailed(_Event, frozen=True):
    module: str
    errors: int


class ModuleBlocked(_Event, frozen=True):
    """`by` is the failed module that it depends on."""

    module: str
    by: str


class InputChanged(_Event, frozen=True):
    """A source changed between being hashed and being compiled; the module is planned again."""

    module: str


class DiagnosticFound(_Event, frozen=True):
    diagnostic: Diagnostic


class ObjectStored(_Event, frozen=True):
    module: str
    key: Digest
    digest: Digest
    size: int


class CompiledTwice(_Event, frozen=True):
    """This build compiled a module that another process compiled and stored after this one had looked. That is allowed,
    and claims keep it rare."""

    module: str
    key: Digest


class NondeterministicToolchain(_Event, frozen=True):
    """A key was compiled to other bytes than the cache holds for it. The first object stays."""

    module: str
    key: Digest
    kept: Digest
    refused: Digest


class EntryQuarantined(_Event, frozen=True):
    """A file of the cache failed its check and was moved aside."""

    file: str
    reason: str


class EntriesEvicted(_Event, frozen=True):
    count: int
    freed_bytes: int


class CacheDegraded(_Event, frozen=True):
    """The build continues without the cache, or without a part of it. Emitted once a build."""

    reason: str


class CacheTooSmall(_Event, frozen=True):
    """The entries that this build uses do not fit into the limit; they would fit into `needed_bytes`."""

    limit_bytes: int
    needed_bytes: int


class LinkStarted(_Event, frozen=True):
    modules: int


class ProgramLinked(_Event, frozen=True):
    digest: Digest
    size: int
    duration_ms: float


class ProgramWritten(_Event, frozen=True):
    """`file` is the path of the output, relative to the project."""

    file: str
    digest: Digest


class ActorState(msgspec.Struct, frozen=True, kw_only=True):
    """An actor at one moment: what it is doing ("" while it waits for messages), `messages` and `bytes` in its mailbox,
    `waiting` senders, and its `outstanding` requests."""

    name: str
    doing: str
    messages: int
    bytes: int
    waiting: int
    outstanding: int


class RunningJob(msgspec.Struct, frozen=True, kw_only=True):
    """A worker slot at one moment: what it does ("compiling", "summarising", "linking"; or "a worker process to start
    ...") with which module, for how many seconds, and in which process (0: the Project's own). `left` modules of the
    job come after this one."""

    slot: int
    doing: str
    module: str
    left: int
    seconds: float
    process: int


class BuildStalled(_Event, frozen=True):
    """No actor has handled a message, and no worker has finished a module, for `seconds`. `waiting_for` says in words
    what the build waits for."""

    seconds: float
    waiting_for: tuple[str, ...]
    actors: tuple[ActorState, ...] = ()
    jobs: tuple[RunningJob, ...] = ()


class ObjectsVerified(_Event, frozen=True):
    """`checked` objects, chosen by `seed`, were compiled again with nothing reused; `different` had other bytes."""

    checked: int
    different: int
    seed: int


class BuildCancelled(_Event, frozen=True):
    pass


class BuildFinished(ResultFields, frozen=True, kw_only=True, tag_field="event", tag=_dashed):
    """The result in short: the kind of each reason, and the number of differences."""

    program: str | None = None
    reasons: dict[str, str] = msgspec.field(default_factory=dict)
    differences: int = 0
    build: int


class EventsLost(_Event, frozen=True):
    """A subscriber was too slow, so `count` events before this one were dropped."""

    count: int


Event = Union[
    BuildStarted, SourcesScanned, FileSkipped, SourceRead, ModuleSummarised, GraphResolved, CacheHit, CacheMiss,
    CompileStarted, CompileFinished, ModuleFailed, ModuleBlocked, InputChanged, DiagnosticFound, ObjectStored,
    CompiledTwice, NondeterministicToolchain, EntryQuarantined, EntriesEvicted, CacheDegraded, CacheTooSmall,
    LinkStarted, ProgramLinked, ProgramWritten, ObjectsVerified, BuildStalled, BuildCancelled, BuildFinished,
    EventsLost,
]  # fmt: skip


class Subscription:
    """One reader of the stream: an asynchronous iterator over a ring of `size` events.

    A reader that is too slow loses the oldest events, and gets one `EventsLost` in their place. A `lossless` reader
    loses none: actors wait for it between two messages, which slows the build.
    """

    def __init__(self, size: int, lossless: bool) -> None:
        self._ring: deque[Event] = deque()
        self._size = size
        self.lossless = lossless
        self._lost = 0
        self._ready: Wakeup | None = None
        self._room: Wakeup | None = None
        self._hurried = False
        self._closed = False

    def put(self, event: Event) -> None:
        if not self.lossless and len(self._ring) >= self._size:
            self._ring.popleft()
            self._lost += 1
        self._ring.append(event)
        if self._ready is not None:
            self._ready.set()
            self._ready = None

    def hurry(self) -> None:
        """Ends the waiting for this reader, because the Project is closing. Later events still go into the ring."""
        self._hurried = True
        if self._room is not None:
            self._room.set()
            self._room = None

    def close(self) -> None:
        """Ends the iteration after the events in the ring."""
        self._closed = True
        for event in (self._ready, self._room):
            if event is not None:
                event.set()
        self._ready = self._room = None

    @property
    def full(self) -> bool:
        return len(self._ring) >= self._size

    async def room(self) -> None:
        """Waits until a lossless reader has room in its ring."""
        while self.full and not (self._hurried or self._closed):
            if self._room is None:
                self._room = wakeup()
            await self._room.wait()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._ring and not self._closed:
            self._ready = self._ready or wakeup()
            await self._ready.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return EventsLost(build=self._ring[0].build if self._ring else 0, count=lost)
        if not self._ring:
            raise StopAsyncIteration
        event = self._ring.popleft()
        if self._room is not None:
            self._room.set()
            self._room = None
        return event


def call_guest(function: Callable[[T], object], value: T) -> None:
    """Calls a listener or a tap of the embedder. What it raises is its own error, so no actor ends; it goes to
    `sys.unraisablehook`, because no caller waits who could get it."""
    try:
        function(value)
    except Exception as error:
        _unraisable(error, getattr(function, "__wrapped__", function))


def _unraisable(error: Exception, function: object) -> None:
    what = f"a listener or tap of a Wasmill project raised, and the build went on: {function!r}"
    with suppress(Exception):
        if sys.unraisablehook is sys.__unraisablehook__:  # The default hook accepts only arguments of the interpreter.
            from traceback import print_exception

            print(what, file=sys.stderr)
            print_exception(error)
        else:
            arguments: Any = SimpleNamespace(
                exc_type=type(error),
                exc_value=error,
                exc_traceback=error.__traceback__,
                err_msg=what,
                object=function,
            )
            sys.unraisablehook(arguments)


class Events:
    """Hands events from actors to listeners and subscribers. An emitter checks `wanted` first, so that an event costs
    one attribute look-up where there are none."""

    def __init__(self) -> None:
        self.wanted = False
        # Tuples that are replaced, because a listener may remove itself or another one while they are called.
        self._listeners: tuple[Callable[[Event], object], ...] = ()
        self._rare: tuple[Callable[[Event], object], ...] = ()
        self._subscriptions: list[Subscription] = []

    def emit(self, event: Event) -> None:
        """Hands the event to all listeners and subscribers."""
        if self.wanted:
            for listener in self._listeners:
                call_guest(listener, event)
            for subscription in self._subscriptions:
                subscription.put(event)

    def warn(self, event: Event) -> None:
        """Emits a rare event."""
        for listener in self._rare:
            call_guest(listener, event)
        self.emit(event)

    def listen(self, listener: Callable[[Event], object], *, rare: bool = False) -> Callable[[], None]:
        """Calls `listener` with every event, synchronously, in the emitting actor's step. With `rare`, only with rare
        events (`BuildStalled`), so that no other event needs to be made. Returns a function that ends it."""

        def listening(event: Event) -> object:  # A new function each time, because a listener may be given twice.
            return listener(event)

        listening.__wrapped__ = listener  # type: ignore[attr-defined]
        self._set(rare, (*self._of(rare), listening))

        def stop() -> None:
            self._set(rare, tuple(other for other in self._of(rare) if other is not listening))

        return stop

    def _of(self, rare: bool) -> tuple[Callable[[Event], object], ...]:
        return self._rare if rare else self._listeners

    def _set(self, rare: bool, listeners: tuple[Callable[[Event], object], ...]) -> None:
        if rare:
            self._rare = listeners
        else:
            self._listeners = listeners
        self._update()

    def subscribe(self, size: int = 1024, *, lossless: bool = False) -> Subscription:
        subscription = Subscription(size, lossless)
        self._subscriptions.append(subscription)
        self.wanted = True
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.remove(subscription)
        subscription.close()
        self._update()

    def hurry(self) -> None:
        """Ends the waiting for all readers, because the Project is closing and actors must end."""
        for subscription in self._subscriptions:
            subscription.hurry()

    def close(self) -> None:
        """Ends the iteration of all readers, because the Project has closed."""
        for subscription in self._subscriptions:
            subscription.close()

    @property
    def held_up(self) -> bool:
        """Whether actors wait for a lossless reader."""
        return any(subscription.lossless and subscription.full for subscription in self._subscriptions)

    async def room(self) -> None:
        """Waits for all lossless readers without room."""
        for subscription in tuple(self._subscriptions):
            if subscription.lossless:
                await subscription.room()

    def _update(self) -> None:
        self.wanted = bool(self._listeners or self._subscriptions)
