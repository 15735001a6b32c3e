"""One of several processes on a cache, started as

    python -m tests.actors.keeper.several FOLDER NUMBER PROCESSES MODULES LIMIT BACKEND

Each stores its share in batches, all look everything up, until everything is there. Says what it did as JSON."""

from __future__ import annotations

import json
import sys

import anyio

from actors.events import Events
from actors.keeper.keeper import Keeper
from actors.messages import Statistics
from actors.system import System
from tests.actors.keeper.keeping import Talk, entry


async def main(folder: str, number: int, processes: int, modules: int, limit: int) -> None:
    keeper = Keeper(folder, max_size=limit, eviction="lru", hot_memory=1 << 20)
    events = Events()
    seen: list[object] = []
    events.listen(seen.append)
    everything = [entry(f"m{it}", b"%d " % it * 50) for it in range(modules)]
    # Half of what it stores another process stores too.
    share = [it for place, it in enumerate(everything) if place % processes in (number, (number + 1) % processes)]
    system = System([keeper], events=events)
    degraded = []
    wrong = late = 0
    async with system.running():
        talk = Talk(system, keeper, [])
        for start in range(0, len(share), 20):
            await talk.begin()
            batch = share[start : start + 20]
            found = (await talk.find(*batch)).entries
            await talk.store(*(it for it in batch if it.key not in found))
            await talk.find(*everything[:10])
            for it in batch[:5]:
                data = await talk.read(it)
                late += data is None
                wrong += data not in (None, it.data)
            degraded.append((await talk.end(compilations=1)).degraded)
        statistics = await talk.ask(Statistics())
    print(
        json.dumps(
            {
                "degraded": [it for it in degraded if it],
                "wrong": wrong,
                "late": late,
                "builds": len(degraded),
                "events": sorted({type(it).__name__ for it in seen} - {"ObjectStored", "CompiledTwice"}),
                "compilations": statistics.compilations,
            }
        )
    )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    anyio.run(main, arguments[0], *map(int, arguments[1:5]), backend=arguments[5])
