"""What the keeper's tests are made of: entries to store, a way to talk to a keeper, and ways to look at its folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from actors.digests import Digest, digest
from actors.events import Event
from actors.keeper.keeper import Keeper
from actors.messages import Begin, End, Find, Load, Message, NewEntry, StoreEntries
from actors.system import System

IDENTITY = digest(b"toolchain")


def entry(module: str, data: bytes | None = None, *, version: int = 1, kind: str = "object", **fields: Any) -> NewEntry:
    """An entry whose key follows from module and version, and whose data do too unless they are given."""
    manifest = msgspec.json.encode({"kind": kind, "module": module, "version": version}, order="sorted")
    if data is None:
        data = f"\0asm {module} {version} ".encode() * 20
    fields = {"functions": (f"{module}::area",), "duration_ms": 2.5, **fields}
    return NewEntry(
        key=digest(manifest),
        digest=digest(data),
        kind=kind,
        module=module,
        manifest=manifest,
        data=data,
        identity=IDENTITY,
        **fields,
    )


class Talk:
    """Asks a running keeper."""

    def __init__(self, system: System, keeper: Keeper, events: list[Event]) -> None:
        self.system = system
        self.keeper = keeper
        self.events = events
        self.number = 0
        self.hits = self.misses = 0

    async def ask(self, message: Message) -> Any:
        return await self.system.ask(self.keeper.address, message)

    async def begin(self) -> Any:
        self.number += 1
        return await self.ask(Begin(build=self.number))

    async def store(self, *entries: NewEntry, force: bool = False) -> Any:
        return await self.ask(StoreEntries(build=self.number, entries=entries, force=force))

    async def find(self, *entries: NewEntry) -> Any:
        """Look up. Hits and misses are counted here, as the planner does, and go into the next `end`."""
        found = await self.ask(Find(build=self.number, keys=tuple(it.key for it in entries)))
        self.hits += len(found.entries)
        self.misses += len({it.key for it in entries}) - len(found.entries)
        return found

    async def load(self, *digests: Digest, disk: bool = False) -> dict[Digest, bytes]:
        """The bytes of objects. With `disk` the keeper has nothing in memory."""
        if disk:
            self.keeper.cache.hot.clear()
        return (await self.ask(Load(build=self.number, digests=digests))).data

    async def end(self, **fields: Any) -> Any:
        hits, misses, self.hits, self.misses = self.hits, self.misses, 0, 0
        return await self.ask(End(build=self.number, hits=hits, misses=misses, **fields))

    async def read(self, wanted: NewEntry) -> bytes | None:
        """Look an entry up and read it, as a build does; None for a miss, late or not."""
        found = (await self.find(wanted)).entries.get(wanted.key)
        return (await self.load(found.digest)).get(found.digest) if found else None

    async def build(self, *entries: NewEntry) -> list[str]:
        """A whole build: what misses (late or not) is stored. Gives the modules that missed."""
        await self.begin()
        missed = []
        for wanted in entries:
            data = await self.read(wanted)
            if data is None:
                missed.append(wanted)
            else:
                assert data == wanted.data, f"a wrong object for {wanted.module}"
        if missed:
            await self.store(*missed)
        self.ended = await self.end(compilations=len(missed))
        return [it.module for it in missed]

    def names(self) -> list[str]:
        """The kinds of events so far."""
        return [type(event).__name__ for event in self.events]


Open = Callable[..., AbstractAsyncContextManager[Talk]]
"""What the fixture `open_keeper` gives."""


def files(folder: Path, *, of: tuple[str, ...] = ("modules", "metadata", "quarantine")) -> dict[str, int]:
    """Sizes of the cache's files by their path in its folder."""
    return {
        str(path.relative_to(folder)): path.stat().st_size for part in of for path in sorted((folder / part).glob("*"))
    }


def size(folder: Path) -> int:
    return sum(files(folder).values())
