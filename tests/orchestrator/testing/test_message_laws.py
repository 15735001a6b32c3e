"""The laws of messages hold for builds, and each is seen to be broken where it is."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from actors import system as system_module
from actors.mailbox import CAPACITY, Cell, Mailbox
from actors.messages import (
    Begin,
    Begun,
    CompileDone,
    Find,
    Found,
    Load,
    Loaded,
    Message,
    RunCompile,
    Statistics,
    Stored,
    StoreEntries,
)
from actors.offload import InlineOffload
from actors.system import Actor, Broken, System, TapRecord
from orchestrator.testing.faults import Faults, crash, fail
from orchestrator.testing.laws import LawBroken, MessageLaws, unfit
from orchestrator.testing.world import World

pytestmark = pytest.mark.anyio

TEXTS = {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n", "bad": "fail no\n"}


# ------------------------------------------------------------------------------------------------ they hold


@pytest.mark.parametrize("jobs", [1, 3])
async def test_they_hold_for_builds(jobs: int) -> None:
    laws, seen = MessageLaws(), list[TapRecord]()
    laws = MessageLaws(then=seen.append)
    world = World()
    world.write(TEXTS)
    async with world.open(tap=laws, jobs=jobs) as project:
        laws.watch(project)
        await project.build()
        world.write({"bad": "pub g =\n"})
        async with anyio.create_task_group() as group:
            group.start_soon(project.build)
            group.start_soon(project.cache.statistics)
            group.start_soon(project.cache.lookup, "a")
        with anyio.move_on_after(0):
            await project.build(force=True)
    laws.check()
    assert laws.records == len(seen) > 60
    assert {record.kind for record in seen} >= {"tell", "post", "ask", "reply", "take"}


async def test_a_system_that_broke_is_excused_from_answering() -> None:
    laws = MessageLaws()
    world = World()
    world.write(TEXTS)
    process = world.process(Faults().on("index.insert", crash()))
    with pytest.raises(Exception, match="crashed"):
        async with process.open(tap=laws) as project:
            laws.watch(project)
            await project.build()
    laws.check()
    unwatched = MessageLaws()
    process = world.process(Faults().on("index.insert", crash()))
    with pytest.raises(Exception, match="crashed"):
        async with process.open(tap=unwatched) as project:
            await project.build()
    with pytest.raises(LawBroken, match="never answered: ask 1 api -> planner Build"):
        unwatched.check()


async def test_they_hold_while_the_disk_fails() -> None:
    laws = MessageLaws()
    world = World()
    world.write(TEXTS)
    process = world.process(Faults().on("disk.create", fail("EIO"), times=0).on("index.*", fail("EIO"), times=0))
    async with process.open(tap=laws) as project:
        laws.watch(project)
        assert (await project.build()).failed == ["bad"]
    laws.check()


# ------------------------------------------------------------------------------------------------ they are broken


class Right(Actor[Message]):
    """Answers, in the way that `how` says."""

    name = "right"

    def __init__(self, how: str = "", mailbox: Mailbox[Any] | None = None) -> None:
        super().__init__(mailbox=mailbox)
        self.how = how
        self.kept: list[tuple[Message, Cell]] = []
        self.gate = anyio.Event()

    async def receive(self, message: Message, reply: Cell) -> None:
        if self.how == "waits":
            await self.gate.wait()
        if self.how == "never" and message == Begin(build=2):
            return
        if self.how == "crossed":
            self.kept.append((message, reply))
            if len(self.kept) == 2:
                (one, first), (other, second) = self.kept
                first.set(CompileDone(build=build_of(other), outcomes=()))
                second.set(CompileDone(build=build_of(one), outcomes=()))
            return
        reply.set(Loaded(data={}) if self.how == "other kind" else Begun())


class Left(Actor[Message]):
    name = "left"

    def __init__(self, right: Right, outstanding: int = 4) -> None:
        super().__init__(right.address, outstanding=outstanding)
        self.right = right
        self.answers: list[Message] = []

    async def receive(self, message: Message, reply: Cell) -> None:
        if isinstance(message, Statistics):
            await self.tell(self.right.address, message)
        else:
            self.post(self.right.address, message)

    async def replied(self, request: Message, answer: Message) -> None:
        self.answers.append(answer)


def build_of(message: Message) -> int:
    build: int = getattr(message, "build", 0)
    return build


async def settle() -> None:
    for _ in range(50):
        await anyio.lowlevel.checkpoint()


async def run(right: Right, *messages: Message, laws: MessageLaws | None = None) -> list[str]:
    """Send these messages to an actor that passes them on to `right`. Gives what the laws say of that."""
    laws = laws or MessageLaws()
    left = Left(right)
    system = System([left, right], tap=laws, offload=InlineOffload())
    laws.watch(system)
    async with system.running():
        for message in messages:
            await system.tell(left.address, message)
        await settle()
        if right.how == "never":
            left.unanswered = 0  # or the stop would wait for it, for ten seconds
    return broken(laws)


def broken(laws: MessageLaws) -> list[str]:
    try:
        laws.check()
    except LawBroken as error:
        return error.violations
    return []


def notes(*builds: int) -> list[Message]:
    return [Begin(build=build) for build in builds]


async def test_all_is_well() -> None:
    assert await run(Right(), *notes(1, 2, 3), Statistics()) == []


async def test_a_request_that_is_never_answered() -> None:
    assert await run(Right("never"), *notes(1, 2, 3)) == ["never answered: post 5 left -> right Begin"]


async def test_an_answer_of_another_kind() -> None:
    found = await run(Right("other kind"), *notes(1))
    assert found == ["a Loaded for an answer, to Begin: reply 2 right -> left Loaded"]


async def test_answers_that_went_to_the_wrong_askers() -> None:
    found = await run(Right("crossed"), *(RunCompile(build=build, jobs=()) for build in (1, 2)))
    assert len(found) == 2 and all(one.startswith("the answer of another build") for one in found)


async def test_answering_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(self: Cell, answer: Message) -> None:
        assert self._deliver is not None
        self._deliver(answer)

    class Twice(Right):
        async def receive(self, message: Message, reply: Cell) -> None:
            reply.set(Begun())
            reply.set(Begun())

    monkeypatch.setattr(Cell, "set", again)
    laws = MessageLaws()
    right = Twice()
    left = Left(right)
    system = System([left, right], tap=laws)
    async with system.running():
        await system.tell(left.address, Begin(build=1))
        await settle()
        left.unanswered = 0
    assert broken(laws)[0] == "answered twice: reply 2 right -> left Begun"


async def test_a_mailbox_that_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Mailbox._add

    def drops(self: Mailbox[Any], item: Any) -> None:
        if len(self.items) != 1:
            add(self, item)

    monkeypatch.setattr(Mailbox, "_add", drops)
    found = await run(Right(), Statistics(), Statistics(), Statistics())
    assert found and all(one.startswith("never taken: tell") for one in found)


async def test_a_mailbox_that_lets_overtake(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(self: Mailbox[Any]) -> Any:
        item = self.items.pop()
        self.delivered += 1
        self._release(item.weight)
        return item

    right = Right("waits")
    monkeypatch.setattr(right.mailbox, "take", lambda: take(right.mailbox))
    left, laws = Left(right), MessageLaws()
    system = System([left, right], tap=laws)
    async with system.running():
        for _ in range(3):
            await system.tell(left.address, Statistics())
        await settle()
        right.gate.set()
    assert {one.split(":")[0] for one in broken(laws)} == {"overtaken"}


async def test_a_mailbox_over_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailbox, "_fits", lambda self, weight: True)
    right, laws = Right("waits"), MessageLaws()
    left = Left(right)
    system = System([left, right], tap=laws)
    laws.watch(system)
    async with system.running():
        for _ in range(CAPACITY + 3):
            await system.tell(left.address, Statistics())
            await settle()
        right.gate.set()
    assert any(f"right's mailbox holds {CAPACITY + 1} messages of {CAPACITY}" in one for one in broken(laws))


async def test_more_requests_than_were_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    right, laws = Right("waits"), MessageLaws()
    left = Left(right, outstanding=100)
    system = System([left, right], tap=laws)
    laws.watch(system)
    left.may_post = 1

    def post(self: Left, to: Any, request: Message) -> None:
        self.may_post = 100
        original(self, to, request)
        self.may_post = 1

    original = Actor.post
    monkeypatch.setattr(Left, "post", post)
    async with system.running():
        for note in notes(1, 2, 3):
            await system.tell(left.address, note)
        await settle()
        right.gate.set()
    assert any("left has 2 requests outstanding of 1" in one for one in broken(laws))


async def test_speaking_to_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rude(Right):
        async def receive(self, message: Message, reply: Cell) -> None:
            await self.tell(self.left.address, Statistics())  # type: ignore[attr-defined]

    monkeypatch.setattr(system_module.Actor, "_check", lambda self, to: None)
    right, laws = Rude(), MessageLaws()
    left = Left(right)
    right.left = left  # type: ignore[attr-defined]
    monkeypatch.setattr(left, "receive", Actor.receive)
    laws = MessageLaws()
    system = System([left, right], tap=laws)
    laws.watch(system)
    with pytest.raises(Broken):
        async with system.running():
            await system.tell(right.address, Begin(build=1))
            await settle()
            system.check()
    assert broken(laws) == ["to the left: tell 2 right -> left Statistics"]


async def test_speaking_after_the_end() -> None:
    right, laws = Right(), MessageLaws()
    left = Left(right)
    system = System([left, right], tap=laws)
    laws.watch(system)
    async with system.running():
        pass
    system.record("tell", "left", "right", Statistics())
    assert "left has ended: tell 1 left -> right Statistics" in broken(laws)


async def test_mail_that_starves() -> None:
    """An actor that serves a stream of answers before its mailbox, for as long as it comes."""
    right, laws = Right(), MessageLaws(patience=20)

    class Hungry(Left):
        async def receive(self, message: Message, reply: Cell) -> None:
            if build_of(message) < 100:
                self.post(self.right.address, message)

        async def replied(self, request: Message, answer: Message) -> None:
            if build_of(request) < 60:
                for _ in range(3):
                    await anyio.lowlevel.checkpoint()
                self.post(self.right.address, Begin(build=build_of(request) + 1))
                while not self._lane:
                    await anyio.lowlevel.checkpoint()

    left = Hungry(right)
    system = System([left, right], tap=laws)
    async with system.running():
        await system.tell(left.address, Begin(build=1))
        await settle()
        await system.tell(left.address, Begin(build=100))
        for _ in range(2000):
            await anyio.lowlevel.checkpoint()
    assert any(one.startswith("waits while its actor took 20 others: tell") for one in broken(laws))


# ------------------------------------------------------------------------------------------------ answers that fit


@pytest.mark.parametrize(
    ("request_", "answer", "problem"),
    [
        (Find(build=1, keys=("a",)), Found(entries={}), ""),
        (Find(build=1, keys=("a",)), Loaded(data={}), "a Loaded for an answer"),
        (Load(build=1, digests=("a",)), Loaded(data={"b": b""}), "an answer about b, which was not asked for"),
        (StoreEntries(build=1, entries=()), Stored(kept={"k": "d"}), "an answer about k, which was not asked for"),
        (RunCompile(build=1, jobs=()), CompileDone(build=2, outcomes=()), "the answer of another build"),
    ],
)
def test_answers_that_fit(request_: Message, answer: Message, problem: str) -> None:
    assert unfit(request_, answer) == problem
