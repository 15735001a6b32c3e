"""The actor that asks a cache elsewhere, behind the keeper.

Each request runs as a task of its own, so an upload delays no look-up; at most `IN_FLIGHT` calls are open at once.
Every request is answered in the time that `Budget` allows, with what has come until then. So to the keeper, a server
that is dead, slow or wrong has nothing. What comes is checked here (`actors.keeper.foreign`), so only whole and right
entries go on to the keeper.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import anyio

from actors.actor import Actor
from actors.digests import Digest
from actors.keeper.foreign import checked_entry, checked_metadata
from actors.keeper.metadata import Metadata, Odd, described, encode, lengthened
from actors.keeper.store import digest_of
from actors.mailbox import Cell
from actors.messages import (
    CacheEntry,
    EndRemote,
    FetchedRemote,
    FetchRemote,
    FindRemote,
    FoundRemote,
    Message,
    NewEntry,
    RemoteEnded,
    ToRemote,
    Upload,
    Uploaded,
)
from actors.remote.actions import action_of, encode_result, metadata_in
from actors.remote.budget import Budget
from actors.remote.servers import RemoteFault, RemoteSettings, Server

IN_FLIGHT = 64
"""Calls that are open at once."""
UPLOADS = 8
"""Of these, at most so many that upload."""
REMEMBERED = 50_000
"""Entries that are known and not fetched."""


class _Wait(NamedTuple):
    """A build waits since `begin`, for look-ups or for bytes."""

    build: int
    begin: float
    looking: bool


class Remote(Actor[ToRemote]):
    name = "remote"

    def __init__(self, settings: RemoteSettings) -> None:
        super().__init__()
        self._settings = settings
        self._budget = Budget(settings.slots)
        self._server: Server | None = None
        self._build = 0
        self._counts: dict[str, float] = {}
        self._known: dict[Digest, Metadata] = {}
        """By key: entries that are known and not fetched."""
        self._keys: dict[Digest, Digest] = {}
        """Of the same entries: a key, by digest of the object."""
        self._absent: set[Digest] = set()
        """Keys that this build has asked for in vain. Builds look a key up again when they claim it."""
        self._waits: dict[anyio.CancelScope, _Wait] = {}
        self._uploads: set[anyio.CancelScope] = set()
        self._give_up = float("inf")
        """When uploads of the last build end."""
        self._tasks = 0

    async def started(self) -> None:
        self._calls = anyio.CapacityLimiter(IN_FLIGHT)
        self._sending = anyio.CapacityLimiter(UPLOADS)

    async def receive(self, message: ToRemote, reply: Cell) -> None:
        now = self.offload.now()
        if message.build != self._build:
            self._build = message.build
            self._budget.begin(now)
            self._absent.clear()
            self._give_up = float("inf")
        if isinstance(message, EndRemote):
            self._end(now)
            reply.set(RemoteEnded(counts=self._take_counts()))
            return
        self._tasks += 1
        if isinstance(message, FindRemote):
            self.start(self._find, message, reply)
        elif isinstance(message, FetchRemote):
            self.start(self._fetch, message, reply)
        elif isinstance(message, Upload):
            self.start(self._upload, message, reply)

    def idle(self) -> bool:
        return self._tasks == 0

    async def nudged(self) -> None:
        for scope, wait in self._waits.items():
            if self.cancelled(wait.build):
                scope.cancel()

    async def stopped(self) -> None:
        if self._server is not None:
            await self._server.close()

    # ---- requests

    async def _find(self, message: FindRemote, reply: Cell) -> None:
        entries: dict[Digest, CacheEntry] = {}

        async def one(key: Digest) -> None:
            metadata = await self._metadata(key)
            if metadata is None:
                return
            entries[key] = CacheEntry(
                key=key,
                digest=metadata.digest,
                size=metadata.size,
                module=metadata.module,
                kind=metadata.kind,
                functions=lengthened(metadata.module, "\0".join(metadata.functions)),
                warnings=metadata.warnings,
                duration_ms=metadata.duration_ms,
                inputs=metadata.inputs,
            )

        await self._while_waiting(message.build, one, message.keys, looking=True)
        self._done(
            reply,
            FoundRemote(entries=entries, counts=self._take_counts(), trouble=self._budget.said),
        )

    async def _fetch(self, message: FetchRemote, reply: Cell) -> None:
        entries: dict[Digest, NewEntry] = {}
        objects: dict[Digest, bytes] = {}

        async def by_key(key: Digest) -> None:
            metadata = await self._metadata(key)
            if metadata is not None:
                await whole(key, metadata)

        async def by_digest(digest: Digest) -> None:
            key = self._keys.get(digest, "")
            if key in self._known:
                await whole(key, self._known[key])
                return
            data = await self._object(digest, -1)
            if data is not None and digest_of(data).hex() == digest:
                self._received(data, 0.0)
                objects[digest] = data
            elif data is not None:
                self._refuse("its bytes are not those of their digest")

        async def whole(key: Digest, metadata: Metadata) -> None:
            data = await self._object(metadata.digest, metadata.size)
            if data is None:
                return
            try:
                entry = checked_entry(bytes.fromhex(key), metadata, data).entry
            except Odd as odd:
                self._refuse(str(odd))
                return
            self._received(data, metadata.duration_ms)
            entries[key] = entry

        await self._while_waiting(message.build, by_key, message.keys)
        await self._while_waiting(message.build, by_digest, message.digests)
        for entry in entries.values():
            self._known.pop(entry.key, None)
            self._keys.pop(entry.digest, None)
        answer = FetchedRemote(
            entries=tuple(entries.values()),
            objects=objects,
            counts=self._take_counts(),
            trouble=self._budget.said,
        )
        self._done(reply, answer)

    async def _upload(self, message: Upload, reply: Cell) -> None:
        """Sends entries, until the build has ended and a second more. The object goes first: a server with a result has
        its object, too."""
        left = {entry.key: entry for entry in message.entries}

        async def one(key: Digest) -> None:
            entry = left[key]
            metadata = encode(described(entry, bytes.fromhex(entry.digest), 0), bytes.fromhex(key))
            result = encode_result(metadata, entry.digest, len(entry.data))
            async with self._sending:
                if await self._put(lambda server: server.put_object(entry.digest, entry.data)) and await self._put(
                    lambda server: server.put_result(action_of(bytes.fromhex(key)), result)
                ):
                    del left[key]
                    self._count(remote_uploads=1, remote_bytes_written=len(entry.data) + len(result))

        if self._budget.open:
            with anyio.CancelScope(deadline=self._give_up) as scope:
                self._uploads.add(scope)
                await self._each(one, tuple(left))
            self._uploads.discard(scope)
        if left:
            self._count(remote_dropped=len(left))
        self._done(reply, Uploaded(counts=self._take_counts()))

    def _end(self, now: float) -> None:
        self._give_up = now + self._budget.for_uploads()
        for scope in self._uploads:
            scope.deadline = min(scope.deadline, self._give_up)

    # ---- calls

    async def _metadata(self, key: Digest) -> Metadata | None:
        """Returns what the server says of an entry, checked; None if it has none."""
        if key in self._known:
            return self._known[key]
        if key in self._absent:
            return None
        raw = bytes.fromhex(key)
        result = await self._get(lambda server: server.fetch_result(action_of(raw)), remote_misses=1)
        self._absent.add(key)
        if result is None:
            return None
        try:
            metadata = checked_metadata(raw, metadata_in(result))
        except Odd as odd:
            self._refuse(str(odd))
            return None
        self._budget.answered()
        self._count(remote_hits=1, remote_bytes_read=len(result))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
            self._keys.clear()
        self._absent.discard(key)
        self._known[key] = metadata
        self._keys[metadata.digest] = key
        return metadata

    async def _object(self, digest: Digest, size: int) -> bytes | None:
        """Returns bytes that are to be checked; None if there are none."""
        return await self._get(lambda server: server.fetch_object(digest, size))

    async def _get(self, call: Callable[[Server], Awaitable[bytes | None]], **missing: float) -> bytes | None:
        """Returns what the server has; None where it has nothing, which is counted as `missing`, and where the call
        fails, which is no miss."""
        try:
            async with self._calls:
                data = await call(self._connected())
        except RemoteFault as fault:
            self._failed(fault)
            return None
        if data is None:
            self._budget.answered()
            self._count(**missing)
        return data

    async def _put(self, call: Callable[[Server], Awaitable[None]]) -> bool:
        """Returns whether the server has taken something."""
        try:
            async with self._calls:
                await call(self._connected())
        except RemoteFault as fault:
            self._failed(fault)
            return False
        self._budget.answered()
        return True

    def _connected(self) -> Server:
        if self._server is None:
            self._server = self.offload.server(self._settings)
        return self._server

    def _failed(self, fault: RemoteFault) -> None:
        self._count(remote_errors=1)
        self._budget.fault(str(fault), self.offload.now(), final=fault.final)
        self._stop_if_given_up()

    def _refuse(self, why: str) -> None:
        """Something came and is wrong: a miss, and a fault of the server."""
        self._count(remote_refused=1)
        self._budget.fault(f"it sends what is not right: {why}", self.offload.now())
        self._stop_if_given_up()

    def _stop_if_given_up(self) -> None:
        if not self._budget.open:
            for scope in (*self._waits, *self._uploads):
                scope.cancel()

    def _received(self, data: bytes, duration_ms: float) -> None:
        self._count(remote_objects=1, remote_bytes_read=len(data))
        self._budget.received(duration_ms)
        for scope, wait in self._waits.items():
            scope.deadline = wait.begin + self._budget.left(looking=wait.looking)

    # ---- tasks

    async def _while_waiting(
        self, build: int, one: Callable[[Digest], Awaitable[None]], items: Sequence[Digest], *, looking: bool = False
    ) -> None:
        """Does `one` for all items, as far as the budget goes: a build waits for it."""
        left = self._budget.left(looking=looking)
        if not items or left <= 0 or self.cancelled(build):
            return
        begin = self.offload.now()
        answers = self._budget.answers
        with anyio.CancelScope(deadline=begin + left) as scope:
            self._waits[scope] = _Wait(build, begin, looking)
            await self._each(one, items)
        del self._waits[scope]
        self._budget.spend(self.offload.now() - begin)
        if scope.cancelled_caught and self._budget.open and not self.cancelled(build):
            # A server that has answered is only slow: what was found can still be fetched, and what is made be sent.
            if self._budget.answers > answers:
                self._budget.note = "it answers too slowly, so not everything was asked for"
            else:
                self._budget.give_up("it does not answer", self.offload.now())

    async def _each(self, one: Callable[[Digest], Awaitable[None]], items: Sequence[Digest]) -> None:
        rest = iter(items)

        async def work() -> None:
            for item in rest:
                if not self._budget.open:
                    return
                await one(item)

        async with anyio.create_task_group() as group:
            for _ in range(min(IN_FLIGHT, len(items))):
                group.start_soon(work)

    def _done(self, reply: Cell, answer: Message) -> None:
        self._tasks -= 1
        self.moves += 1
        reply.set(answer)
        self.nudge()

    def _count(self, **counts: float) -> None:
        for name, count in counts.items():
            self._counts[name] = self._counts.get(name, 0) + count

    def _take_counts(self) -> dict[str, float]:
        counts, self._counts = self._counts, {}
        return counts
