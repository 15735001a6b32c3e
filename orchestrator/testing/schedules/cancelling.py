"""Which tasks a schedule may cancel, and how: each task of a group by a scope of its own, so that it ends alone.

A task that is cancelled ends, and its group goes on. Tests are about what the other tasks find then. So the harness
runs each task that a group starts in a scope of its own (`in_scope`). Native tasks of asyncio need no scope. The task
of the scenario itself is never cancelled as a whole; `cancellable` opens a scope in it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, ParamSpec, TypeVar

from orchestrator.testing.schedules.director import Director
from orchestrator.testing.schedules.groups import CancellableScope, scope

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class _Run(NamedTuple):
    director: Director[Any]
    current_task: Callable[[], object]


_RUN: ContextVar[_Run | None] = ContextVar("run", default=None)


@contextmanager
def directed_by(director: Director[T], current_task: Callable[[], T | None]) -> Iterator[None]:
    """Offers scopes to this director from now on. `current_task` is the loop's."""
    token = _RUN.set(_Run(director, current_task))
    try:
        yield
    finally:
        _RUN.reset(token)


def current_run() -> _Run | None:
    """The run of a schedule that this code is part of, if it is."""
    return _RUN.get()


@contextmanager
def cancellable() -> Iterator[CancellableScope]:
    """A scope that a schedule may cancel at any await inside, once. Outside of schedules it is a scope like any other.

        with cancellable() as scope:
            await queue.get()
        if scope.cancelled_caught: ...

    Without `cancel=`, a schedule cancels one such scope at most, and nothing else.
    """
    run = _RUN.get()
    with scope() as opened:
        if run is None:
            yield opened
        else:
            run.director.trace.scopes += 1
            with run.director.offered(run.current_task(), opened.cancel):
                yield opened


@contextmanager
def invariant(check: Callable[[], object]) -> Iterator[None]:
    """Calls `check` after each step of any task while this is open. What it raises fails the schedule; so does False.

        with invariant(lambda: queue.qsize() <= 3):
            ...

    Outside of schedules nothing calls it.
    """

    def holds() -> None:
        if check() is False:
            raise AssertionError(f"an invariant does not hold: {getattr(check, '__qualname__', check)}")

    run = _RUN.get()
    if run is None:
        yield
        return
    run.director.invariants.append(holds)
    try:
        yield
    finally:
        run.director.invariants.remove(holds)


def in_scope(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R | None]]:
    """Wraps the function of a task in a scope that the schedule may cancel."""
    named: Callable[..., object] = function
    while isinstance(named, functools.partial):  # It has no name, and event loops name a task by its function.
        named = named.func

    @functools.wraps(named)
    async def scoped(*args: P.args, **arguments: P.kwargs) -> R | None:
        run = _RUN.get()
        assert run is not None, "a task that outlived the run of its schedule"
        with scope() as opened, run.director.offered(run.current_task(), opened.cancel):
            return await function(*args, **arguments)  # None where it was cancelled.

    return scoped
