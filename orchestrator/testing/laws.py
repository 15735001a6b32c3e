"""The laws of messages: what must hold of every run of every system of actors, seen through the tap.

    laws = MessageLaws()
    async with orchestrator.open(folder, tap=laws) as project:
        laws.watch(project)
        await project.build()
    laws.check()                                # raises LawBroken, with all that was seen

They hold for any actors, not only for those of a build: `System([...], tap=laws)`, then `laws.watch(system)`.

1. Every request is answered once: by the actor that was asked, to the one that asked, with an answer of the right kind.
2. Nothing is lost, doubled or overtaken: each message is taken once, by its receiver, and what one actor tells another
   is taken in the order in which it was told.
3. No actor sends a request or a message to the left.
4. No mailbox ever exceeds its bound, and no actor has more requests outstanding than was agreed.
5. Nothing happens after the end: an actor that has ended neither sends nor receives.
6. Progress is fair: while a message waits, its actor does not take more than `patience` others.

Laws 3 to 5 need to see the system itself: without `watch` they are not looked at. A system that broke, or a stop that
ran into its deadline, excuses what was left unanswered and untaken; nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from actors.messages import ANSWERS, Find, FindFragments, FindSummaries, JobBatch, Load, Message, StoreEntries
from actors.system import System, Tap, TapRecord

if TYPE_CHECKING:
    from orchestrator.api import Project

PATIENCE = 1000


class LawBroken(AssertionError):
    """At least one law of messages did not hold. `violations` says which, in the order they were seen."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("\n".join(violations))
        self.violations = violations


class MessageLaws:
    """A tap that checks the laws. See the module. `then` is another tap, which gets every record too.

    `records` counts what was seen, `violations` says what was wrong so far.
    """

    def __init__(self, *, patience: int = PATIENCE, then: Tap | None = None) -> None:
        self.violations: list[str] = []
        self.records = 0
        self._patience = patience
        self._then = then
        self._system: System | None = None
        self._ranks: dict[str, int] = {}
        self._open: dict[int, TapRecord] = {}
        self._answered: dict[int, TapRecord] = {}
        self._untaken: dict[int, TapRecord] = {}
        self._taken: Counter[str] = Counter()
        self._taken_when_sent: dict[int, int] = {}
        self._last: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._impatient: set[int] = set()

    def watch(self, watched: System | Project) -> None:
        """Watches this system itself too, or that of an open Project."""
        system = watched if isinstance(watched, System) else watched.system
        self._system = system
        self._ranks = {actor.name: rank for rank, actor in enumerate(system.actors)}

    def __call__(self, record: TapRecord) -> None:
        self.records += 1
        if record.kind in ("tell", "post", "ask"):
            self._sent(record)
        elif record.kind == "reply":
            self._replied(record)
        elif record.kind == "take":
            self._took(record)
        if self._system is not None and record.number:
            self._look(self._system, record)
        if self._then is not None:
            self._then(record)

    def check(self) -> None:
        """The run is over: raise `LawBroken` unless every law held to its end."""
        system = self._system
        excused = system is not None and (system.failure is not None or system.stop_was_late)
        left: list[str] = []
        if not excused:
            left += [f"never answered: {_said(message)}" for message in self._open.values()]
            left += [f"never taken: {_said(message)}" for message in self._untaken.values()]
        if self.violations or left:
            raise LawBroken([*self.violations, *left])

    # ---- one by one

    def _sent(self, record: TapRecord) -> None:
        if record.kind != "tell":
            self._open[record.number] = record
        self._untaken[record.number] = record
        self._taken_when_sent[record.number] = self._taken[record.receiver]
        if self._ranks and record.sender and self._ranks[record.sender] >= self._ranks[record.receiver]:
            self._wrong("to the left", record)

    def _replied(self, record: TapRecord) -> None:
        request = self._open.pop(record.number, None)
        if request is None:
            self._wrong("answered twice" if record.number in self._answered else "an answer to nothing", record)
            return
        self._answered[record.number] = record
        if (record.sender, record.receiver) != (request.receiver, request.sender):
            self._wrong("answered by, or to, another actor", record)
        problem = unfit(request.message, record.message)
        if problem:
            self._wrong(f"{problem}, to {type(request.message).__name__}", record)
        if request.sender:
            # A reply has the number of its request, which may itself be untaken: so replies are kept under the negative
            # number.
            self._untaken[-record.number] = record
            self._taken_when_sent[-record.number] = self._taken[record.receiver]

    def _took(self, record: TapRecord) -> None:
        actor = record.receiver
        answer = self._untaken.get(-record.number)
        is_answer = answer is not None and answer.message is record.message
        number = -record.number if is_answer else record.number
        sent = self._untaken.pop(number, None)
        if sent is None or sent.receiver != actor or sent.message is not record.message:
            self._wrong("taken twice, or by another actor", record)
            return
        if sent.kind == "tell":
            way = (sent.sender, actor, sent.kind)
            if sent.number < self._last[way]:
                self._wrong("overtaken", record)
            self._last[way] = sent.number
        self._taken[actor] += 1
        self._taken_when_sent.pop(number, None)
        for waiting, taken_before in self._taken_when_sent.items():
            message = self._untaken[waiting]
            if message.receiver != actor or waiting in self._impatient:
                continue
            if self._taken[actor] - taken_before > self._patience:
                self._impatient.add(waiting)
                self._wrong(f"waits while its actor took {self._patience} others", message)

    def _look(self, system: System, record: TapRecord) -> None:
        for actor in system.actors:
            box = actor.mailbox
            if box.told > box.capacity:
                self._wrong(f"{actor.name}'s mailbox holds {box.told} messages of {box.capacity}", record)
            if box.told > 1 and box.bytes > box.capacity_bytes:
                self._wrong(f"{actor.name}'s mailbox holds {box.bytes} bytes of {box.capacity_bytes}", record)
            if actor.unanswered > actor.may_post:
                self._wrong(f"{actor.name} has {actor.unanswered} requests outstanding of {actor.may_post}", record)
            speaks = record.sender == actor.name or (record.kind == "take" and record.receiver == actor.name)
            if speaks and actor.ended.is_set():
                self._wrong(f"{actor.name} has ended", record)

    def _wrong(self, what: str, record: TapRecord) -> None:
        self.violations.append(f"{what}: {_said(record)}")


def unfit(request: Message, answer: Message) -> str:
    """Says why this cannot be the answer to that request; "" if it can."""
    expected = ANSWERS.get(type(request))
    if expected is None:
        return ""
    if not isinstance(answer, expected):
        return f"a {type(answer).__name__} for an answer"
    if getattr(request, "build", None) != getattr(answer, "build", getattr(request, "build", None)):
        return "the answer of another build"
    for allowed, given in _names(request, answer):
        foreign = sorted(set(given) - set(allowed))
        if foreign:
            return f"an answer about {foreign[0]}, which was not asked for"
    return ""


def _names(request: Any, answer: Any) -> list[tuple[Iterable[str], Iterable[str]]]:
    """(what was asked about, what was answered about), where that can be told."""
    if isinstance(request, Find):
        return [(request.keys, answer.entries)]
    if isinstance(request, Load):
        return [(request.digests, answer.data)]
    if isinstance(request, StoreEntries):
        return [([entry.key for entry in request.entries], answer.kept)]
    if isinstance(request, FindSummaries):
        return [(request.sources, answer.summaries)]
    if isinstance(request, FindFragments):
        return [(request.fingerprints, answer.fragments), (request.objects, answer.objects)]
    if isinstance(request, JobBatch):
        return [([job.module for job in request.jobs], [outcome.module for outcome in answer.outcomes])]
    return []


def _said(record: TapRecord) -> str:
    """Returns a record as one line: `post 12 planner -> keeper Find`."""
    sender, receiver = record.sender or "api", record.receiver or "api"
    return f"{record.kind} {record.number} {sender} -> {receiver} {type(record.message).__name__}"
