"""What the keeper asks of a cache elsewhere, and what it does with the answer. `actors.remote` is who is asked.

What is found elsewhere is no row, because rows promise bytes that are here. It becomes an entry of this cache when its
bytes have come, which is when a link or a reuse needs them.
"""

from __future__ import annotations

from collections.abc import Iterable

from xxhash import xxh3_128_digest

from actors.digests import Digest
from actors.keeper.cache import BuildCache
from actors.keeper.store import MODULES, Incoming, object_file
from actors.keeper.upkeep import Upkeep
from actors.messages import (
    FetchedRemote,
    FetchRemote,
    FindFragments,
    Found,
    FoundRemote,
    Load,
    Message,
    NewEntry,
    Publish,
    RemoteAnswer,
    StoreEntries,
    Upload,
)

UPLOADS = 256
"""Uploads that are not answered. What comes beyond these is not uploaded."""
UPLOAD_BYTES = 64 << 20
"""Bytes of them."""


class Tier:
    """`upload`: what builds store is sent there."""

    def __init__(self, cache: BuildCache, upkeep: Upkeep, upload: bool) -> None:
        self._cache = cache
        self._upkeep = upkeep
        self._upload = upload
        self._uploading = 0
        self._upload_bytes = 0

    # ---- what to ask

    async def needed(self, message: Message) -> FetchRemote | None:
        """Returns what to fetch before this message can be answered; None for nothing."""
        keys: Iterable[Digest] = ()
        digests: Iterable[Digest] = ()
        if isinstance(message, Load):
            digests = message.digests
        elif isinstance(message, Publish):
            digests = () if message.data or not message.path else (message.digest,)
        elif isinstance(message, FindFragments):
            keys = message.objects
        else:
            return None
        digests = await self._absent(digests)
        if keys:
            rows, _ = await self._cache.find([bytes.fromhex(key) for key in keys])
            keys = tuple([key for key in keys if bytes.fromhex(key) not in rows])
        return FetchRemote(build=message.build, keys=tuple(keys), digests=digests) if keys or digests else None

    async def _absent(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """Returns those of which this cache has no bytes."""
        cache = self._cache
        asked = [digest for digest in digests if cache.hot.get(bytes.fromhex(digest)) is None]
        if not asked:
            return ()

        def absent() -> tuple[Digest, ...]:
            has = cache.store.has
            return tuple([digest for digest in asked if not has(MODULES, object_file(bytes.fromhex(digest)))])

        return await cache.offload.files(1 + len(asked) // 16, 0, absent)

    def upload(self, message: StoreEntries) -> Upload | None:
        """Returns what to upload; None for nothing."""
        if not self._upload or not message.entries:
            return None
        size = sum(len(entry.data) for entry in message.entries)
        if self._uploading >= UPLOADS or self._upload_bytes + size > UPLOAD_BYTES:
            self._cache.count(remote_dropped=len(message.entries))
            return None
        self._uploading += 1
        self._upload_bytes += size
        return Upload(build=message.build, entries=message.entries)

    # ---- what came

    def note(self, answer: RemoteAnswer) -> None:
        """Counts what has happened, and reports once a build that the server is not asked any more."""
        self._cache.count(**answer.counts)
        if answer.trouble:
            self._cache.degrade(f"the remote cache: {answer.trouble}")

    def uploaded(self, request: Upload) -> None:
        self._uploading -= 1
        self._upload_bytes -= sum(len(entry.data) for entry in request.entries)

    def merged(self, here: Found, answer: FoundRemote) -> Found:
        """Returns what is here and what is elsewhere."""
        return Found(entries={**answer.entries, **here.entries}, taken=here.taken, degraded=self._cache.degraded)

    async def take(self, answer: FetchedRemote) -> None:
        """Stores what came. It was checked."""
        entries = [_incoming(entry) for entry in answer.entries]
        # They were missed here, which is known; somebody else may have stored them meanwhile, which is not.
        self._cache.in_use.missed.difference_update([incoming.key for incoming in entries])
        for _, digest, entry in entries:
            self._keep_in_memory(digest, entry.data)
        if entries:
            await self._upkeep.store(entries, force=False)
        for name, data in answer.objects.items():
            digest = bytes.fromhex(name)
            self._keep_in_memory(digest, data)
            await self._cache.files(None, self._cache.store.write, MODULES, object_file(digest), data)

    def _keep_in_memory(self, digest: bytes, data: bytes) -> None:
        cache = self._cache
        cache.in_use.checksums[digest] = xxh3_128_digest(data)
        cache.hot.put(digest, data)


def _incoming(entry: NewEntry) -> Incoming:
    return Incoming(bytes.fromhex(entry.key), bytes.fromhex(entry.digest), entry)
