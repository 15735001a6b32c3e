"""How fast the cache keeper is, and how much it takes: `python tests/bench/bench_keeper.py [BACKEND] [MODULES ...]`.

Modules have `SIZE` bytes (environment; 20,000 unless told). Times are medians of five, in microseconds a module,
through a running keeper: messages, index, files and checks. Prints one line a figure.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))

from actors.compiler.toolchain import FUNCTIONS_SECTION
from actors.digests import digest
from actors.keeper.keeper import Keeper
from actors.messages import (
    Begin,
    End,
    Find,
    FindFragments,
    FindSummaries,
    Load,
    NewEntry,
    Statistics,
    StoreEntries,
    StoreSummaries,
)
from actors.system import System
from tests.bench.runner import Book

SIZE = int(os.environ.get("SIZE", "20000"))
BATCH = 1_000
HOT = 16_000_000
ROUNDS = 5
IDENTITY = digest(b"toolchain")


def made(number: int) -> NewEntry:
    """A module of 20 functions and 20 KB: manifest, exports and functions as the real ones have them."""
    name = f"package{number // 100}/module{number}"
    functions = tuple(f"{name}::function{it}" for it in range(20))
    manifest = {
        "schema": 1,
        "kind": "object",
        "module": name,
        "identity": IDENTITY,
        "target": "wasm32-wasi",
        "source": digest(name.encode()),
        "resolution": {f"helper{it}": f"package{it}/module{it}::helper{it}" for it in range(5)},
        "imports": {f"package{it}/module{it}": digest(bytes([it])) for it in range(3)},
    }
    text = msgspec.json.encode(manifest, order="sorted")
    listed = msgspec.msgpack.encode([[fingerprint(it), 8, 90] for it in functions])
    section = len(FUNCTIONS_SECTION).to_bytes(1, "little") + FUNCTIONS_SECTION.encode() + listed
    head = b"\0asm\1\0\0\0\0" + bytes((len(section) & 127 | 128, len(section) >> 7)) + section + b"\x0a"
    rest = digest(name.encode()).encode() * (SIZE // 64)
    rest = rest[: max(256, SIZE - len(head) - 3)]
    data = head + bytes((len(rest) & 127 | 128, len(rest) >> 7 & 127 | 128, len(rest) >> 14)) + rest
    exports = tuple(it.rpartition("::")[2] for it in functions[:5])
    return NewEntry(
        key=digest(text),
        digest=digest(data),
        kind="object",
        module=name,
        manifest=text,
        data=data,
        identity=IDENTITY,
        imports=tuple(manifest["imports"]),
        exports=exports,
        functions=functions,
        duration_ms=5.0,
    )


def fingerprint(function: str) -> bytes:
    return sha256(function.encode()).digest()


class KeeperBench:
    def __init__(self, folder: str, modules: int) -> None:
        self.folder = folder
        self.modules = modules
        self.keeper = Keeper(folder, max_size=1 << 40, eviction="lru", hot_memory=HOT)
        self.system = System([self.keeper])
        self.found: dict[str, float] = {}

    async def ask(self, message: Any) -> Any:
        return await self.system.ask(self.keeper.address, message)

    async def timed(self, what: str, work: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> None:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            await work()
            times.append(time.perf_counter() - start)
        each = self.found[what] = statistics.median(times) / self.modules * 1e6
        print(f"{self.modules:6} {what:<42} {each:8.1f} us a module {statistics.median(times) * 1e3:9.1f} ms")

    async def run(self) -> None:
        async with self.system.running():
            keys, digests = [], []

            async def store() -> None:
                for start in range(0, self.modules, BATCH):
                    batch = tuple(made(it) for it in range(start, min(start + BATCH, self.modules)))
                    began = time.perf_counter()
                    await self.ask(StoreEntries(build=1, entries=batch))
                    self.storing += time.perf_counter() - began
                    keys.extend(it.key for it in batch)
                    digests.extend(digest(it.data) for it in batch)

            await self.ask(Begin(build=1))
            self.storing = 0.0
            await store()
            each = self.storing / self.modules * 1e6
            print(f"{self.modules:6} {'store':<42} {each:8.1f} us a module {self.storing * 1e3:9.1f} ms")
            await self.ask(End(build=1, snapshot="bench", snapshot_data=b"s", plan=b"p"))

            async def find() -> None:
                await self.ask(Begin(build=2))
                await self.ask(Find(build=2, keys=tuple(keys)))

            async def load() -> None:
                self.keeper.cache.hot.clear()
                for start in range(0, self.modules, BATCH):
                    loaded = await self.ask(Load(build=2, digests=tuple(digests[start : start + BATCH])))
                    assert len(loaded.data) == len(digests[start : start + BATCH])

            async def both() -> None:
                await find()
                await load()

            async def fragments() -> None:
                self.keeper.cache.hot.clear()
                for number in range(self.modules):
                    names = tuple(fingerprint(it).hex() for it in made(number).functions)
                    answer = await self.ask(FindFragments(build=2, fingerprints=names))
                    assert len(answer.fragments) == 20

            await self.timed("find (one message)", find)
            await self.timed("load and check (files, checksum)", load)
            await self.timed("find, load and check", both)
            await self.timed("find fragments (20 a module, files)", fragments)
            await self.timed("end after hits", lambda: self.ask(End(build=2)), 1)
            await self._memory(find, load)
            await self._summaries()
            await self._sizes()
        for number in (1, 2):
            if number == 2:
                os.unlink(f"{self.folder}/index.db")
            self.keeper = Keeper(self.folder, max_size=1 << 40, eviction="lru", hot_memory=HOT)
            self.system = System([self.keeper])
            async with self.system.running():
                what = "open and find" if number == 1 else "rebuild the index and find"
                await self.timed(what, find, 1)

    async def _memory(self, *works: Callable[[], Awaitable[Any]]) -> None:
        """What the keeper holds on to in a build that used everything, its hot objects included."""
        self.keeper.cache.hot.clear()
        await self.ask(End(build=2))
        gc.collect()
        tracemalloc.start()
        for work in works:
            await work()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        self.found["memory"] = held
        print(f"{self.modules:6} memory of cache structures {held:31.1f} MB, {HOT / 1e6:.0f} of them hot objects")

    async def _summaries(self) -> None:
        summaries = {digest(f"source{it}".encode()): os.urandom(1500) for it in range(self.modules)}
        store = StoreSummaries(build=2, identity=IDENTITY, summaries=summaries)
        size = await self._index_size()
        await self.timed("store summaries (1.5 KB each)", lambda: self.ask(store), 1)
        wanted = FindSummaries(build=2, identity=IDENTITY, sources=tuple(summaries))
        await self.timed("find summaries", lambda: self.ask(wanted))
        self.summaries = await self._index_size() - size

    async def _index_size(self) -> int:
        await self.keeper.cache.close()
        return os.stat(f"{self.folder}/index.db").st_size

    async def _sizes(self) -> None:
        metadata = sum(it.stat().st_size for it in os.scandir(f"{self.folder}/metadata"))
        objects = sum(it.stat().st_size for it in os.scandir(f"{self.folder}/modules"))
        rows = await self._index_size() - self.summaries
        part = self.found["storage"] = (metadata + rows) / objects * 100
        summaries = self.summaries / self.modules
        print(
            f"{self.modules:6} metadata {metadata / self.modules:.0f} and index {rows / self.modules:.0f} bytes"
            f" a module of {objects / self.modules:.0f}: {part:.1f} % (summaries {summaries:.0f})"
        )
        await self.ask(Statistics())


async def measure(book: Book, modules: int = 10_000) -> None:
    """The rows of the targets."""
    with tempfile.TemporaryDirectory(prefix="bench-keeper-") as folder:
        bench = KeeperBench(f"{folder}/cache", modules)
        await bench.run()
    book.add(f"keeper/look-up/{modules}", bench.found["find, load and check"], "µs a module")
    book.add(f"keeper/memory/{modules}", bench.found["memory"], "MB")
    book.add(f"keeper/storage/{modules}", bench.found["storage"], "%")


def main() -> None:
    backend = sys.argv[1] if len(sys.argv) > 1 else "asyncio"
    for modules in map(int, sys.argv[2:] or ("1000", "10000")):
        folder = tempfile.mkdtemp(prefix="bench-keeper-")
        try:
            anyio.run(KeeperBench(f"{folder}/cache", modules).run, backend=backend)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
