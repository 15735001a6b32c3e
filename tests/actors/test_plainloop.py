"""Actors in a plain loop: the same order, backpressure, failures and ends as in an event loop, without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.actor import Wired
from actors.compiler import crew
from actors.mailbox import CAPACITY, Cell
from actors.messages import Begin, Begun
from actors.plainloop import ENOUGH_MS, NoWorkers, PlainLoop, PlainSystem
from tests.actors.test_system import RecordingActor, Sender, note


def nothing() -> None:
    """Looks at nothing."""


class Clock(PlainLoop):
    """A plain loop in which time passes only when everybody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def _pass_time(self) -> None:
        self.time = min(at for at, _ in self._timers)
        super()._pass_time()


@pytest.mark.parametrize("how", ["tell", "post"])
def test_messages_and_answers_come_in_order(how: str) -> None:
    right = RecordingActor("right")
    left = Sender(right, how)
    system = PlainSystem([left, right], PlainLoop())
    for number in range(3):
        assert system.ask(left.address, note(number)) == Begun()
    system.stop()
    assert right.got == [0, 1, 2]
    assert left.answers == ([(0, "0"), (1, "1"), (2, "2")] if how == "post" else [])
    assert right.has_stopped and left.ended.is_set()


def test_tell_waits_while_the_mailbox_is_full() -> None:
    """The receiver sleeps over each message, and the sender has many more than there is room for."""
    loop = Clock()

    class Slow(RecordingActor):
        async def receive(self, message: Begin, reply: Cell) -> None:
            await self.offload.sleep(1.0)
            await super().receive(message, reply)

    class Burst(Sender):
        async def receive(self, message: Begin, reply: Cell) -> None:
            for number in range(message.build):
                await self.tell(self.right.address, note(number))
            reply.set(Begun())

    right = Slow("right")
    left = Burst(right, "tell")
    system = PlainSystem([left, right], loop)
    system.ask(left.address, note(3 * CAPACITY))
    assert right.mailbox.most == CAPACITY
    assert loop.time == pytest.approx(2 * CAPACITY, abs=1.0)
    system.stop()
    assert right.got == list(range(3 * CAPACITY))


def test_who_wakes_first_is_who_waits_less_long() -> None:
    loop, order = Clock(), []

    async def sleeper(seconds: float) -> None:
        await loop.sleep(seconds)
        order.append(seconds)

    for seconds in (3.0, 1.0, 2.0):
        loop.start(sleeper(seconds))
    loop.drive(lambda: len(order) == 3, nothing)
    assert (order, loop.time) == ([1.0, 2.0, 3.0], 3.0)


def test_a_checkpoint_lets_the_others_have_a_turn() -> None:
    loop, order = PlainLoop(), []

    async def worker(name: str) -> None:
        for _ in range(2):
            order.append(name)
            await loop.checkpoint()

    loop.start(worker("a"))
    loop.start(worker("b"))
    loop.drive(lambda: len(order) == 4, nothing)
    assert order == ["a", "b", "a", "b"]
    loop.close()


def test_where_everybody_waits_the_loop_says_so() -> None:
    loop = PlainLoop()
    loop.start(loop.event().wait())
    with pytest.raises(RuntimeError, match="every actor waits"):
        loop.drive(lambda: False, nothing)
    loop.close()


def test_what_an_actor_raises_arrives_and_all_are_ended() -> None:
    class Failing(RecordingActor):
        async def receive(self, message: Begin, reply: Cell) -> None:
            raise ZeroDivisionError("a bug")

    right = RecordingActor("right")
    left = Failing()
    system = PlainSystem([left, right], PlainLoop())
    with pytest.raises(ZeroDivisionError, match="a bug"):
        system.ask(left.address, note(1))
    system.stop(broken=True)
    assert left.has_stopped and right.has_stopped
    assert not system._loop._tasks


def test_a_look_between_two_steps_can_cancel() -> None:
    """The token is seen by the actor that works on, and `nudged` is called before its next message."""
    looks: list[Callable[[], None]] = []
    seen = []

    class Long(RecordingActor):
        async def receive(self, message: Begin, reply: Cell) -> None:
            while not self.cancelled(message.build):
                seen.append(message.build)
                await self.offload.checkpoint()
            reply.set(Begun())

        async def nudged(self) -> None:
            seen.append(-1)

    actor = Long()

    def look() -> None:
        if len(seen) == 5:
            looks.append(nothing)
            system.cancel(7)

    system = PlainSystem([actor], PlainLoop(), look=look)
    system.ask(actor.address, note(7))
    system.stop()
    assert seen == [7] * 5 + [-1]
    assert len(looks) == 1


def test_an_answer_is_given_when_the_build_has_ended() -> None:
    """As when a process ends after an early answer: what a build leaves is recorded first."""
    recorded = []

    class Early(RecordingActor):
        async def receive(self, message: Begin, reply: Cell) -> None:
            self.system.build_begins(message.build)
            reply.set(Begun())
            self.start(self._record, self.system, message.build)

        async def _record(self, system: Wired, build: int) -> None:
            await self.offload.checkpoint()
            recorded.append(build)
            system.build_ends(build)

    actor = Early()
    system = PlainSystem([actor], PlainLoop())
    system.ask(actor.address, note(3))
    assert recorded == [3]
    system.stop()


def test_workers_are_asked_for_where_a_crew_would_start_them() -> None:
    assert ENOUGH_MS == 2 * crew.EACH_MS
    asked: list[float] = []
    for ahead in (ENOUGH_MS - 1, ENOUGH_MS):
        NoWorkers(lambda ahead=ahead: asked.append(ahead)).want(ahead)
    assert asked == [ENOUGH_MS]


def test_those_who_waited_go_on_in_the_order_in_which_they_came() -> None:
    loop, order = PlainLoop(), []
    event = loop.event()

    async def wait(name: str) -> None:
        await event.wait()
        order.append(name)

    async def wake() -> None:
        event.set()

    for name in "abc":
        loop.start(wait(name))
    loop.start(wake())
    loop.drive(lambda: len(order) == 3, nothing)
    assert order == ["a", "b", "c"]
