"""Each call of a remote cache goes wrong in each way, in virtual time: the program is right, and the build is late by
less than two seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing

from orchestrator.testing.faults import Fault, Faults, delay, fail, flip, tear
from orchestrator.testing.world import World

TEXTS = {"main": "run a::f b::g", "a": "use c\npub f = c::h", "b": "pub g = 2", "c": "pub h = 3"}
URL = "http://cache.example/"

FAULTS: dict[str, Callable[[], Fault]] = {
    "fails": fail,
    "hangs": lambda: delay(1e6),
    "lies": lambda: flip(77),
    "cuts": lambda: tear(40),
}
CALLS = ("fetch_result", "fetch_object", "put_result", "put_object")


def build(served: dict[str, bytes], faults: Faults, upload: bool) -> tuple[bytes, float]:
    """Builds on a machine of its own. Returns the program, and the seconds until everything is closed."""

    async def main() -> tuple[bytes, float]:
        world = World()
        world.served = served
        world.write(TEXTS)
        begin = trio.current_time()
        async with world.process(faults).open(cache=URL, upload=upload) as project:
            result = await project.build()
            assert result.success
        return world.disk.read(str(result.program)), trio.current_time() - begin

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_goes_wrong(call: str, fault: str) -> None:
    """At the k-th call, for every k, and at all from the k-th on. The server may then hold what is wrong: the next
    machine has a right program too."""
    whole: dict[str, bytes] = {}
    good, took = build(whole, Faults(), True)
    assert len(whole) == 2 * (len(TEXTS) + 1)
    reads = call.startswith("fetch")
    counting = Faults()
    assert build(dict(whole) if reads else {}, counting, True)[0] == good
    count = counting.counts[f"remote.{call}"]
    assert count > 0
    cases = 0
    for at in range(1, count + 1):
        for times in (1, 0):
            served = dict(whole) if reads else {}
            faults = Faults().on(f"remote.{call}", FAULTS[fault](), at=at, times=times)
            program, late = build(served, faults, True)
            assert program == good, (call, fault, at, times)
            assert late < took + 2, (call, fault, at, times)
            assert faults.injected
            assert build(served, Faults(), False)[0] == good, (call, fault, at, times)
            cases += 1
    assert cases == 2 * count
