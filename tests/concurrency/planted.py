"""Bugs of concurrency, planted into our own actors one by one: what the harness is worth.

Each is a patch for as long as a scenario runs, is one that somebody could have written, and breaks one of
`scenarios.py` under some schedules, but not in a plain run. Run as a program, it writes the table of
docs/testing-concurrency.md:

    python -m tests.concurrency.planted --write
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import anyio

from actors.compiler import pool as pool_module
from actors.compiler.pool import Pool
from actors.keeper.keeper import Keeper
from actors.keeper.locks import InUse
from actors.mailbox import NOBODY, Cell, Closed, Mailbox, _Item
from actors.messages import Collect, Verify
from actors.planner.planner import Planner
from actors.planner.run import Phase
from actors.system import Actor
from orchestrator.builds import Builds
from orchestrator.testing.schedules import Exploration, explore
from tests.concurrency import scenarios
from tests.concurrency.scenarios import Scenario, checkpoint, turns

DOCUMENT = Path(__file__).parents[2] / "docs/testing-concurrency.md"


class Bug(NamedTuple):
    """`what` somebody could have written, the `scenario` that shows it, `patches` as (class, attribute, what is there),
    the strategy `by` which it is found soonest."""

    name: str
    what: str
    scenario: Scenario
    patches: tuple[tuple[Any, str, Any], ...]
    by: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, attribute, value in self.patches:
                stack.enter_context(patch.object(owner, attribute, value))
            yield


# ------------------------------------------------------------------------------------------------ mailboxes and actors


def _admit_without_reserving(self: Mailbox[Any]) -> None:
    if self._waiting and self._fits(self._waiting[0][1]):
        self._waiting.popleft()[0].set()


async def _put_or_drop(self: Mailbox[Any], message: Any, weight: int, number: int = 0) -> None:
    if not self._fits(weight):
        turn = (anyio.Event(), weight)
        self._waiting.append(turn)
        await turn[0].wait()
        if not self._fits(weight):
            return  # Somebody else was quicker.
    self._reserve(weight)
    self._add(_Item(message, NOBODY, True, weight, number))


async def _put_without_looking_again(self: Mailbox[Any], message: Any, weight: int, number: int = 0) -> None:
    if not self._fits(weight):
        turn = (anyio.Event(), weight)
        self._waiting.append(turn)
        await turn[0].wait()
    self._reserve(weight)
    self._add(_Item(message, NOBODY, True, weight, number))


async def _wait_and_forget(self: Mailbox[Any], weight: int) -> None:
    turn = (anyio.Event(), weight)
    self._waiting.append(turn)
    try:
        await turn[0].wait()
    except BaseException:
        if turn in self._waiting:
            self._waiting.remove(turn)
            self._admit()
        raise  # And who had been admitted keeps the place.
    if self.closed:
        raise Closed


def _sleep_before_looking(turns_before: int) -> Callable[[Any], Any]:
    async def run(self: Actor[Any]) -> None:
        await self.started()
        while True:
            if self._nudged:
                self._nudged = False
                await self.nudged()
            elif self._lane:
                request, answer, number = self._lane.popleft()
                self.unanswered -= 1
                self.system.record("take", "", self.name, answer, number)
                await self.replied(request, answer)
            elif self.mailbox.items:
                item = self.mailbox.take()
                self.system.record("take", "", self.name, item.message, item.number)
                await self.receive(item.message, item.cell)
            elif self.mailbox.closed and not self.unanswered and self.idle():
                return
            else:
                await turns(turns_before)  # What comes now wakes nobody.
                self._wake = anyio.Event()
                await self._wake.wait()

    return run


async def _tell_the_left(self: scenarios.Clerk, message: Any, reply: Cell) -> None:
    self.got.append(message.build)
    if message.build >= 100 and self.left is not None:
        with suppress(Closed):
            await self.left.put(scenarios.note(message.build - 50), 0)  # "One is done."
    reply.set(scenarios.Begun(degraded=str(message.build)))


# ------------------------------------------------------------------------------------------------ pool, keeper, planner

_work = Pool._work
_inline = pool_module._Job._inline
_receive = Keeper.receive
_have_done = Builds._have_done
_cancelled = Planner.cancelled


async def _reply_by_attribute(self: Any, slot: int, message: Any, reply: Cell) -> None:
    answers: list[Any] = []
    await _work(self, slot, message, Cell(answers.append))
    self.replying = reply
    await checkpoint()
    self.replying.set(answers[0])


async def _keep_the_slot(self: Any, slot: int, message: Any, reply: Cell) -> None:
    await _work(self, slot, message, reply)
    if self.cancelled(message.build):
        self._idle.remove(slot)


async def _try_again_when_slow(self: Any) -> None:
    done = anyio.Event()

    async def attempt() -> None:
        await _inline(self)
        done.set()

    job, expected = self.next, self.digests[len(self.outcomes)]
    self.pool.start(attempt)
    for _ in range(12):
        if done.is_set():
            return
        await checkpoint()
    message, pool = self.message, self.pool
    kind = type(message).__name__ == "RunSummarise"
    work = pool_module.worker.summarise if kind else pool_module.worker.compile_module
    await pool.offload.compute(work, pool.toolchains.of(job.path), job, expected, message.root, pool.offload.disk)
    await done.wait()


async def _serve_two_at_once(self: Keeper, message: Any, reply: Cell) -> None:
    if isinstance(message, (Collect, Verify)):
        self.start(_receive, self, message, reply)  # "It takes long, and the others should not wait."
    else:
        await _receive(self, message, reply)


def _ignore_a_late_cancel(self: Planner, build: int) -> bool:
    run = self.machine.run_now
    if run is not None and run.id == build and run.phase is Phase.LINKING:
        return False  # "It is nearly done."
    return _cancelled(self, build)


async def _count_and_then_write(self: Any, shared: Any) -> None:
    count = self._count
    await checkpoint()
    self._count = count
    await _have_done(self, shared)


class _Early:
    """The texts as they were, under the name of those that they are."""

    def __init__(self, memory: Any) -> None:
        self._memory = memory
        self._frozen = memory.frozen()

    @property
    def revision(self) -> int:
        return int(self._memory.revision)

    def frozen(self) -> Any:
        return self._frozen


async def _read_before_the_door_is_shut(self: Any, shared: Any) -> None:
    shared.memory = _Early(shared.memory)
    await turns(2)
    await _have_done(self, shared)


BUGS = (
    Bug(
        "a lost update",
        "the number of a build is read, and written after a checkpoint",
        scenarios.two_requests,
        ((Builds, "_have_done", _count_and_then_write),),
        "pct:3",
    ),
    Bug(
        "a reply to the wrong asker",
        "a worker keeps the asker in an attribute of the pool while it finishes",
        scenarios.pool_jobs,
        ((Pool, "_work", _reply_by_attribute),),
        "random",
    ),
    Bug(
        "a program published after cancel",
        "the planner does not look at the token while it links",
        scenarios.cancelled,
        ((Planner, "cancelled", _ignore_a_late_cancel),),
        "pct:3",
    ),
    Bug(
        "an eviction between look-up and read",
        "what a build has found is not pinned for other processes",
        scenarios.looked_up_and_collected,
        ((InUse, "pin", lambda self, folder, disk: None),),
        "pct:2",
    ),
    Bug(
        "a mailbox that drops",
        "a sender that was woken finds its place taken, and gives up",
        scenarios.tells,
        ((Mailbox, "_admit", _admit_without_reserving), (Mailbox, "put", _put_or_drop)),
        "random",
    ),
    Bug(
        "a mailbox over its bound",
        "a sender that was woken does not look again",
        scenarios.tells,
        ((Mailbox, "_admit", _admit_without_reserving), (Mailbox, "put", _put_without_looking_again)),
        "random",
    ),
    Bug(
        "a place that is lost",
        "a sender that is cancelled after it was admitted keeps its place",
        scenarios.gives_up,
        ((Mailbox, "_wait_for_room", _wait_and_forget),),
        "random",
    ),
    Bug(
        "a lost wake-up",
        "an actor lets others run between looking for mail and waiting for it",
        scenarios.asks_slowly,
        ((Actor, "run", _sleep_before_looking(1)),),
        "pct:2",
    ),
    Bug(
        "a deadlock by a message to the left",
        "the clerk tells the desk what it has done",
        scenarios.tells_slowly,
        ((scenarios.Clerk, "receive", _tell_the_left),),
        "pct:3",
    ),
    Bug(
        "a double compile",
        "a job that seems slow is begun a second time",
        scenarios.builds_twice,
        ((pool_module._Job, "_inline", _try_again_when_slow),),
        "random",
    ),
    Bug(
        "a build that is joined too late",
        "the texts are read before the build is closed for those who come",
        scenarios.everyone_sees_their_edits,
        ((Builds, "_have_done", _read_before_the_door_is_shut),),
        "random",
    ),
    Bug(
        "a slot that is lost",
        "the job of a cancelled build does not give its slot back",
        scenarios.cancelled_early,
        ((Pool, "_work", _keep_the_slot),),
        "pct:2",
    ),
    Bug(
        "a keeper that serves two at once",
        "what takes long is done in a task of its own",
        scenarios.keeper_crowd,
        ((Keeper, "receive", _serve_two_at_once),),
        "pct:3",
    ),
)

STRATEGIES = ("random", "pct:2", "pct:3", "exhaustive:1")
BUDGET = 300


def plain(bug: Bug, times: int = 5) -> None:
    """The scenario with the bug in it as everybody runs it. Raises what it finds."""

    async def once() -> None:
        with anyio.fail_after(10):
            await bug.scenario()

    with bug.planted():
        for backend in ("asyncio", "trio"):
            for _ in range(times):
                anyio.run(once, backend=backend)


def hunt(bug: Bug, strategy: str, budget: int = BUDGET) -> Exploration:
    """Look for the bug."""
    with bug.planted():
        return explore(bug.scenario, strategy, budget, shorten=False)


def table() -> str:
    """What each strategy needs for each bug, as a table of Markdown."""
    lines = ["| planted | in code | scenario | " + " | ".join(f"`{one}`" for one in STRATEGIES) + " | plain run |"]
    lines.append("|---" * (len(STRATEGIES) + 4) + "|")
    for bug in BUGS:
        plain(bug, 10)
        cells = []
        for strategy in STRATEGIES:
            found = hunt(bug, strategy)
            cells.append(str(found.schedules) if found.failure else "none" if found.complete else f"> {BUDGET}")
        print(bug.name, *cells, flush=True)
        lines.append(f"| {bug.name} | {bug.what} | `{bug.scenario.__name__}` | {' | '.join(cells)} | passes |")
    return "\n".join(lines)


if __name__ == "__main__":
    made = table()
    print(made)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text()
        before, _, rest = text.partition("<!-- planted -->\n")
        _, _, after = rest.partition("<!-- end -->\n")
        DOCUMENT.write_text(f"{before}<!-- planted -->\n{made}\n<!-- end -->\n{after}")
