"""Linearizability: did calls that overlapped act as if each had happened at one moment between its begin and its end?

A `History` says who called what, and when a call began and ended in relation to all others. `linearize` looks for an
order of all calls that a sequential model allows, in which no call comes after one that began when it had ended. If no
such order exists, two calls interfered with each other: a lost update, a stale look-up, a read of what was being
removed.

    history = History()
    async with (
        orchestrator.open(one, folder=cache, tap=history.tap("one")) as first,
        orchestrator.open(two, folder=cache, tap=history.tap("two")) as second,
        anyio.create_task_group() as group,
    ):
        group.start_soon(first.build)
        group.start_soon(second.build)
    linearize(history, CacheModel())            # raises NotLinearizable

`CacheModel` (in `cachemodel.py`) is what a cache may do; a model of your own is any class with `initial` and `step`::

    class Register:
        initial = 0

        def step(self, state, call):
            if call.operation == "write":
                return [call.argument]
            return [state] if call.answer in (state, PENDING) else []
"""

from __future__ import annotations

from collections.abc import Awaitable, Hashable, Iterable
from typing import Any, Protocol, TypeVar

from actors.system import Tap, TapRecord

R = TypeVar("R")


class _Pending:
    def __repr__(self) -> str:
        return "PENDING"


PENDING = _Pending()
"""The answer of a call that never came back: it may have happened, at any time since it began, or not at all."""


class ClientCall:
    """One call. `began` and `ended` are moments of the history's own clock; `ended` is None for a `PENDING` one."""

    __slots__ = ("answer", "argument", "began", "client", "ended", "operation")

    def __init__(self, client: str, operation: str, argument: object, began: int) -> None:
        self.client = client
        self.operation = operation
        self.argument = argument
        self.began = began
        self.ended: int | None = None
        self.answer: Any = PENDING

    def __repr__(self) -> str:
        ended = "..." if self.ended is None else self.ended
        return (
            f"[{self.began}-{ended}] {self.client}: {self.operation}({_short(self.argument)}) = {_short(self.answer)}"
        )


class Model(Protocol):
    """What may happen one call at a time. States are compared and remembered, so they are hashable."""

    @property
    def initial(self) -> Hashable: ...

    def step(self, state: Any, call: ClientCall) -> Iterable[Hashable]:
        """All states that `call`, with its answer, may lead to from `state`; none where it may not happen there. For a
        `PENDING` answer: those that any answer would lead to."""
        ...


class NotLinearizable(AssertionError):
    """No order of these calls is allowed. `calls` are all of them. `longest` is an allowed order of as many of them as
    possible; one of the calls `stuck` had to come next, and none could."""

    def __init__(self, calls: list[ClientCall], longest: list[ClientCall], stuck: list[ClientCall]) -> None:
        lines = ["no order of these calls explains what they answered; this one came as far as any:"]
        lines += [f"    {call!r}" for call in longest]
        lines += ["none of these can come next:", *(f"    {call!r}" for call in stuck)]
        super().__init__("\n".join(lines))
        self.calls = calls
        self.longest = longest
        self.stuck = stuck


class History:
    """Calls, as they begin and end. See the module."""

    def __init__(self) -> None:
        self.calls: list[ClientCall] = []
        self._clock = 0

    def begin(self, client: str, operation: str, argument: object = None) -> ClientCall:
        """A call begins."""
        call = ClientCall(client, operation, argument, self._tick())
        self.calls.append(call)
        return call

    def end(self, call: ClientCall, answer: object) -> None:
        """The call has returned."""
        call.answer = answer
        call.ended = self._tick()

    async def record(self, client: str, operation: str, argument: object, work: Awaitable[R]) -> R:
        """Awaits `work`, which is the call. If it is cancelled or raises, it stays pending."""
        call = self.begin(client, operation, argument)
        answer = await work
        self.end(call, answer)
        return answer

    def tap(self, client: str, *, actor: str = "keeper", then: Tap | None = None) -> Tap:
        """A tap that takes every request to `actor`, and its answer, for a call of `client`. The operation is the
        request's name, the argument the request, the answer the reply."""
        calls: dict[int, ClientCall] = {}

        def tap(record: TapRecord) -> None:
            if record.kind in ("post", "ask") and record.receiver == actor:
                calls[record.number] = self.begin(client, type(record.message).__name__, record.message)
            elif record.kind == "reply" and record.number in calls:
                self.end(calls.pop(record.number), record.message)
            if then is not None:
                then(record)

        return tap

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def linearize(history: History | list[ClientCall], model: Model) -> list[ClientCall]:
    """Returns an order of the calls that `model` allows. Raises `NotLinearizable` if there is none.

    The search is Wing and Gong's, and remembers where it has been: it takes long only where many calls overlap. A call
    that is pending may be left out.
    """
    calls = sorted(history.calls if isinstance(history, History) else history, key=lambda call: call.began)
    needed = sum(call.ended is not None for call in calls)
    longest: list[ClientCall] = []
    stuck: list[ClientCall] = []
    seen: set[tuple[int, Hashable]] = {(0, model.initial)}
    # Each entry: calls done (bits), how many of them had ended, state, the order so far as a linked list.
    stack: list[tuple[int, int, Hashable, _Order]] = [(0, 0, model.initial, None)]
    while stack:
        done, ended, state, order = stack.pop()
        if ended == needed:
            return _unrolled(order)
        candidates = _next_of(calls, done)
        taken = _length(order)
        if taken >= len(longest):
            longest, stuck = _unrolled(order), [call for _, call in candidates]
        for place, call in reversed(candidates):
            for after in model.step(state, call):
                reached = (done | 1 << place, after)
                if reached not in seen:
                    seen.add(reached)
                    stack.append((reached[0], ended + (call.ended is not None), after, (call, order, taken + 1)))
    raise NotLinearizable(calls, longest, stuck)


_Order = tuple[ClientCall, Any, int] | None


def _length(order: _Order) -> int:
    return order[2] if order else 0


def _unrolled(order: _Order) -> list[ClientCall]:
    calls: list[ClientCall] = []
    while order is not None:
        calls.append(order[0])
        order = order[1]
    return calls[::-1]


def _next_of(calls: list[ClientCall], done: int) -> list[tuple[int, ClientCall]]:
    """The calls that may come next, with their places: those that began before any of the others left had ended."""
    first: int | None = None
    candidates = []
    for place, call in enumerate(calls):  # in the order they began
        if done >> place & 1:
            continue
        if first is not None and call.began > first:
            break
        candidates.append((place, call))
        if call.ended is not None and (first is None or call.ended < first):
            first = call.ended
    return [(place, call) for place, call in candidates if first is None or call.began < first]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
