"""One schedule on asyncio, in virtual time.

The loop keeps what is to be run in a queue, `_ready`, and takes from its left. `_Ready` stands in for that queue, and
gives the step of the task that the director picks. All that is no task's step (callbacks of futures and timers) runs
between the steps, in its own order and as soon as it can, as asyncio promises that it is not reordered.

The clock stands while anybody can run, and then jumps to the next timer. When all wait and there is none, that is a
deadlock. A function that is given to a thread runs in the loop instead.
"""

from __future__ import annotations

import asyncio
import re
import selectors
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from anyio._backends import _asyncio as backend_module

from orchestrator.testing.schedules.director import Abandoned, Director
from orchestrator.testing.schedules.frames import place_of
from orchestrator.testing.schedules.steady import ROUNDS, short_name, steady_interpreter
from orchestrator.testing.schedules.waits import Waiter, deadlock, outside

IN_VAIN = 100
"""After so many callbacks in a row and no task that could run, nobody can: AnyIO calls again and again for what waits
in a cancelled scope and is shielded."""

_UNNAMED = re.compile(r"Task-\d+")

Scenario = Callable[[], Any]


def run(scenario: Scenario, director: Director, places: bool = False) -> Any:
    """Run a scenario as the director says; its value, or its exception. Raises what is no failure of the scenario
    (KeyboardInterrupt). Where `director.problem` is set afterwards, what was raised means nothing."""

    async def whole() -> Any:
        try:
            return await scenario()
        finally:
            director.finished = True
            director.trace.seconds = asyncio.get_running_loop().time()

    with _under_control():
        try:
            with asyncio.Runner(loop_factory=lambda: _Loop(director, places)) as runner:
                main: Any = whole()
                function = getattr(scenario, "func", scenario)  # Of a `functools.partial`, as pytest's tests are.
                main.__qualname__ = getattr(function, "__qualname__", "main")
                return runner.run(main)
        except BaseException:
            if director.problem is None:
                raise
            return None


def name_of(task: asyncio.Task[Any]) -> str:
    """What a task is called: as it was named, or by the last part of its function's name."""
    name = task.get_name()
    if _UNNAMED.fullmatch(name):  # Numbered by asyncio, and in each run differently.
        name = getattr(task.get_coro(), "__qualname__", "task")
    return short_name(name)


@contextmanager
def _under_control() -> Iterator[None]:
    """AnyIO's threads, and the interpreter, as the harness wants them."""
    backend: Any = backend_module.AsyncIOBackend
    saved = backend.__dict__["run_sync_in_worker_thread"]
    backend.run_sync_in_worker_thread = classmethod(_thread_in_the_loop)
    try:
        with steady_interpreter():
            yield
    finally:
        backend.run_sync_in_worker_thread = saved


async def _thread_in_the_loop(
    cls: Any, func: Callable[..., Any], args: tuple[Any, ...], abandon_on_cancel: bool = False, limiter: Any = None
) -> Any:
    """What a thread would do, done when its turn has come."""
    await cls.checkpoint()
    async with limiter or cls.current_default_thread_limiter():
        try:
            return func(*args)
        finally:
            await cls.cancel_shielded_checkpoint()


class _Ready(deque[Any]):
    """The loop's queue: gives callbacks as they came, and of tasks the one that the director picks."""

    def __init__(self, director: Director, places: bool, idle: Callable[[], None]) -> None:
        super().__init__()
        self._director = director
        self._places = places
        self._idle = idle
        self._in_vain = 0
        self._due = 0
        self._recount = True
        self._stepped: asyncio.Task[Any] | None = None
        self._began: Any = None
        self._rounds = 0

    def popleft(self) -> Any:
        self._note()
        tasks = [handle for handle in self if isinstance(_owner(handle), asyncio.Task)]
        if self._recount:
            # What is there now: a callback that always calls for itself again must not keep the tasks out.
            self._due, self._recount = len(self) - len(tasks), False
        if self._due or not tasks:
            self._due = max(0, self._due - 1)
            handle = next(handle for handle in self if not isinstance(_owner(handle), asyncio.Task))
            self._in_vain += 1
            if self._in_vain > IN_VAIN and not tasks:
                self._in_vain = 0
                self._idle()
        else:
            self._in_vain = 0
            handle = self._picked(tasks)
            self._recount = True
        self.remove(handle)
        return handle

    def _picked(self, tasks: list[Any]) -> Any:
        director = self._director
        handle = tasks[director.pick([_owner(one) for one in tasks])]
        if director.problem is not None:
            self._rounds += 1
            if self._rounds > ROUNDS * 100:
                raise RuntimeError("tasks that were told to end do not")
            _owner(handle).cancel()
        elif self._places and not director.finished:
            self._stepped = task = _owner(handle)
            self._began = place_of(task.get_coro())
        return handle

    def _note(self) -> None:
        """Write down where the last step ended."""
        if self._stepped is not None:
            task, self._stepped = self._stepped, None
            ended = None if task.done() else place_of(task.get_coro())
            self._director.trace.places.append((self._began, ended))


def _owner(handle: Any) -> Any:
    """The task whose step a handle is."""
    return getattr(handle._callback, "__self__", None)


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: it asks what is there now, and lets the loop's clock jump."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and (timeout is None or timeout > 0):
            self.idle()
        return found


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that does nothing by itself."""

    def __init__(self, director: Director, places: bool) -> None:
        selector = _Selector()
        super().__init__(selector)
        selector.idle = self._idle
        self._quiet = len(selector.get_map())
        self._selector_used = selector
        self._director = director
        self._ready = _Ready(director, places, self._idle)
        self._now = 0.0
        self._rounds = 0

    def time(self) -> float:
        return self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        """What a thread would do, done at once; the result comes in a later step."""
        future = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_soon(_settle, future, error, None)
        else:
            self.call_soon(_settle, future, None, result)
        return future

    def _idle(self) -> None:
        """Nobody can run: time passes, or it is a deadlock."""
        foreign = len(self._selector_used.get_map()) > self._quiet
        timers: Any = getattr(self, "_scheduled")  # noqa: B009  (the type stubs do not know it)
        when = min((timer._when for timer in timers if not timer.cancelled()), default=inf)
        if when < inf and not foreign:  # To sleep for ever is a timer too.
            self._now = max(self._now, when)
            return
        tasks = [task for task in asyncio.all_tasks(self) if not task.done()]
        director = self._director
        if director.problem is None and not director.finished:
            waiters = [Waiter(director.label(task), task, task.get_coro(), _children(task, director)) for task in tasks]
            waiters.sort(key=lambda one: director.order(one.task))
            director.problem = outside(waiters) if foreign else deadlock(waiters)
        self._rounds += 1
        if self._rounds > ROUNDS:
            raise RuntimeError("tasks that were told to end do not")
        for task in tasks:
            _abandon(task)


def _settle(future: asyncio.Future[Any], error: Exception | None, result: Any) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _children(task: asyncio.Task[Any], director: Director) -> list[str]:
    """The tasks in task groups of AnyIO that a task has opened."""
    found = []
    for other in asyncio.all_tasks():
        state = backend_module._task_states.get(other)
        if other is not task and state is not None and state.parent_id == id(task):
            found.append(other)
    return [director.label(one) for one in sorted(found, key=director.order)]


def _abandon(task: asyncio.Task[Any]) -> None:
    """Let a task that waits raise, whatever shields it."""
    waiter = getattr(task, "_fut_waiter", None)
    if type(waiter) is asyncio.Future and not waiter.done():
        waiter.set_exception(Abandoned())
    else:
        task.cancel()
