"""The planner's half of a replay: see `orchestrator.recording.replay`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from actors.compiler.toolchain import (
    Compiled,
    CompileJob,
    Linked,
    LinkJob,
    Summarised,
    SummariseJob,
)
from actors.compiler.toolchains import Toolchains
from actors.digests import Digest
from actors.events import Events
from actors.messages import CancelBuild, Message
from actors.planner.planner import Planner
from actors.system import Actor, Cell, System, TapRecord
from orchestrator.recording.differing import ReplayDifference, comparable, in_words
from orchestrator.recording.record import Header, Member, MessageFrame, described

"""Where a replay differs: the record, what the actor was given before it, what it sent then, and what now."""


class RecordedToolchain:
    """What the planner asks a toolchain for, as it was recorded. It compiles nothing, because the answers of the
    workers are recorded."""

    def __init__(self, member: Member) -> None:
        self.name = member.name
        self.extensions = member.extensions
        self.needs_import_objects = member.needs_import_objects
        self.object_kind = member.object_kind
        self.linked_kinds = member.linked_kinds
        self._identity = member.identity

    def identity(self) -> Digest:
        return self._identity

    def files(self) -> tuple[str, ...]:
        return ()

    def normalise(self, raw: bytes) -> bytes:
        return raw

    def summarise(self, job: SummariseJob) -> Summarised:
        raise NotImplementedError

    def compile(self, job: CompileJob) -> Compiled:
        raise NotImplementedError

    def link(self, job: LinkJob) -> Linked:
        raise NotImplementedError


class RememberingToolchain(RecordedToolchain):
    """A toolchain whose linker remembers earlier links."""

    def accepted(self, program: bytes) -> None:
        raise NotImplementedError


def _recorded(header: Header) -> Toolchains:
    return Toolchains(
        *[
            RememberingToolchain(member) if member.remembers else RecordedToolchain(member)
            for member in header.toolchains
        ]
    )


class _Silent(Actor[Any]):
    """Stands for an actor that the planner posts to, and never answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()


class _Planner(Planner):
    def start(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        """Starts nothing: when the task woke the planner, that was recorded as a nudge."""


class _Replay:
    """The planner, and what it has sent since it was last given something."""

    def __init__(self, header: Header) -> None:
        workers, keeper = _Silent("workers"), _Silent("keeper")
        self.planner = _Planner(
            workers.address, keeper.address, _recorded(header), header.slots, remembers=header.enabled
        )
        self.sent: list[Message] = []
        self.system = System([self.planner, workers, keeper], events=Events(), tap=self._tap)
        self.posts: dict[int, Message] = {}
        """What the planner posted, by the number in the recording."""
        self.mail: dict[int, Message] = {}
        self.answers: dict[int, Message] = {}
        self.given = 0
        self.after = "the start"
        self.place = 0
        self.at = 0.0
        self.expected: list[MessageFrame] = []

    def _tap(self, record: TapRecord) -> None:
        if record.kind == "post":
            self.sent.append(record.message)

    def compare(self) -> ReplayDifference | None:
        """Compares what the planner has sent since it was last given something with what it sent then. Returns None if
        that is the same."""
        then: list[Message] = [record.message for record in self.expected if record.message is not None]
        for expected, message in zip(self.expected, self.sent, strict=False):
            if expected.kind == "post":
                self.posts[expected.number] = message
        now, self.sent, self.expected = self.sent, [], []
        if [comparable(message) for message in then] == [comparable(message) for message in now]:
            return None
        pairs = list(zip(then, now, strict=False))
        first = next(
            (at for at, (message, other) in enumerate(pairs) if comparable(message) != comparable(other)), len(pairs)
        )
        return ReplayDifference(
            "planner",
            self.place,
            self.after,
            tuple(in_words(message, _at(now, at)) for at, message in enumerate(then) if at >= first),
            tuple(in_words(message, _at(then, at)) for at, message in enumerate(now) if at >= first),
        )

    async def give(self, place: int, record: MessageFrame) -> None:
        """Lets the planner handle what it took, or a nudge."""
        self.given += 1
        self.place = place
        _pass(record.at - self.at)
        self.at = record.at
        if record.kind == "nudge":
            self.after = "a nudge"
            await self.planner.nudged()
        elif record.number in self.posts and record.number in self.answers:
            request, answer = self.posts.pop(record.number), self.answers.pop(record.number)
            self.after = f"{described(answer)}, the answer to {described(request)}"
            self.planner.unanswered -= 1
            await self.planner.replied(request, answer)
        else:
            message: Any = self.mail[record.number]
            self.after = described(message)
            await self.planner.receive(message, Cell(lambda answer: self.sent.append(answer)))


def _pass(seconds: float) -> None:
    """Lets time pass, if the loop has a clock that can jump."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        jump = getattr(trio.lowlevel.current_clock(), "jump", None)
        if jump is not None and seconds > 0:
            jump(seconds)


def _at(messages: list[Message], place: int) -> Message | None:
    return messages[place] if place < len(messages) else None


async def replay_planner(
    header: Header, records: list[tuple[int, MessageFrame]]
) -> tuple[ReplayDifference | None, int]:
    """Returns where the planner differs from the recording, if it does, and how many messages it was given until
    then."""
    replay = _Replay(header)
    await replay.planner.started()
    for place, record in records:
        if record.kind in ("take", "nudge") and record.receiver == "planner":
            difference = replay.compare()
            if difference is not None:
                return difference, replay.given
            try:
                await replay.give(place, record)
            except Exception as error:
                then = tuple(_sent_next(records, place))
                now = (f"{type(error).__name__}: {error}",)
                return ReplayDifference("planner", place, replay.after, then, now), replay.given
        else:
            _note(replay, record)
    return replay.compare(), replay.given


def _note(replay: _Replay, record: MessageFrame) -> None:
    """Takes note of what was sent to the planner, and of what it sent."""
    if record.kind == "cancel":
        assert isinstance(record.message, CancelBuild)
        replay.system.cancelled_builds.add(record.message.build)
    elif record.sender == "planner":
        replay.expected.append(record)
    elif record.receiver == "planner" and record.message is not None:
        kept = replay.answers if record.kind == "reply" else replay.mail
        kept[record.number] = record.message


def _sent_next(records: list[tuple[int, MessageFrame]], place: int) -> list[str]:
    """What the recorded planner sent from this place on, until it took something else."""
    sent = []
    for at, record in records:
        if at > place and record.kind in ("take", "nudge") and record.receiver == "planner":
            break
        if at > place and record.sender == "planner" and record.message is not None:
            sent.append(described(record.message))
    return sent
