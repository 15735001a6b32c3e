"""What the tap costs: a request and its answer, between two tasks, with nobody at the tap, with somebody, and with a
system that has no tap at all.

    python tests/bench/bench_tap.py [asyncio|trio]
"""

from __future__ import annotations

import statistics
import sys
import time

import anyio

from actors.messages import Begin, Begun, Message
from actors.system import Actor, Cell, System, Tap

ASKS = 2000
ROUNDS = 40


class Echo(Actor[Begin]):
    name = "echo"

    async def receive(self, message: Begin, reply: Cell) -> None:
        reply.set(Begun())


class Bare(System):
    """A system without the code of the tap."""

    def record(self, kind: str, sender: str, receiver: str, message: Message, number: int = 0) -> int:
        return 0


async def seconds(kind: type[System], tap: Tap | None) -> float:
    """Processor time of one request and its answer."""
    actor = Echo()
    async with kind([actor], tap=tap).running() as system:
        began = time.process_time()
        for number in range(ASKS):
            await system.ask(actor.address, Begin(build=number))
        return (time.process_time() - began) / ASKS


def main(backend: str) -> None:
    ways: dict[str, tuple[type[System], Tap | None]] = {
        "no tap at all": (Bare, None),
        "nobody listens": (System, None),
        "somebody does": (System, lambda record: None),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS):  # in turns, so that a busy machine is busy for all
        for name, way in sorted(ways.items(), reverse=bool(turn % 2)):
            found[name].append(anyio.run(seconds, *way, backend=backend))
    for name, times in found.items():
        print(f"{name:15} {min(times) * 1e6:6.2f} µs at best, {statistics.median(times) * 1e6:6.2f} µs the median")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["asyncio"]))
