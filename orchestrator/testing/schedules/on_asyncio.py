"""One schedule on asyncio, in virtual time.

The loop keeps what is to be run in a queue, `_ready`, and takes from its left. `_Ready` stands in for that queue, and
gives the step of the task that the director picks. Everything else (callbacks of futures and timers) runs between the
steps, in its own order and as soon as it can, because asyncio promises not to reorder it.

The clock stands while anybody can run, and then jumps to the next timer. If all tasks wait and there is no timer, that
is a deadlock. A function that is given to a thread runs in the loop instead."""

from __future__ import annotations

import asyncio
import re
import selectors
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from orchestrator.testing.schedules.cancelling import directed_by, in_scope
from orchestrator.testing.schedules.director import Abandoned, Director, LeftBehind, is_outside
from orchestrator.testing.schedules.frames import place_of
from orchestrator.testing.schedules.groups import anyio_if_installed
from orchestrator.testing.schedules.network import Networked
from orchestrator.testing.schedules.steady import ROUNDS, short_name, steady_interpreter
from orchestrator.testing.schedules.threads import AT_REST, BEFORE_A_JUMP, ForeignThreads, watched
from orchestrator.testing.schedules.trace import ARRIVES, LOST
from orchestrator.testing.schedules.waits import Waiter, deadlock, outside

anyio_backend: Any = None
if anyio_if_installed() is not None:
    from anyio._backends import _asyncio as anyio_backend

IN_VAIN = 100
"""After so many callbacks in a row and no task that could run, nobody can: AnyIO calls again and again for what waits
in a cancelled scope and is shielded."""

_UNNAMED = re.compile(r"Task-\d+")

Scenario = Callable[[], Awaitable[object]]


def run(scenario: Scenario, director: Director[Any], places: bool = False) -> Any:
    """Runs a scenario as the director says; its value, or its exception. Raises what is no failure of the scenario
    (KeyboardInterrupt). Where `director.problem` is set afterwards, what was raised means nothing."""

    async def whole() -> Any:
        loop: Any = asyncio.get_running_loop()
        try:
            value = await scenario()
            left = left_behind(loop, director)
            if left is not None and director.problem is None:
                director.problem = left
            return value
        except asyncio.CancelledError:
            if director.trace.cancels and director.problem is None:
                return None  # The schedule cancelled what the scenario awaited, and nothing is wrong with that.
            raise
        finally:
            director.finished = True
            director.trace.seconds = loop.time()

    loop = _Loop(director, places)
    with (
        _anyio_under_control(director),
        steady_interpreter(loop.time, loop.sleep),
        directed_by(director, asyncio.current_task),
        watched(director),
    ):
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                main: Any = whole()
                function = getattr(scenario, "func", scenario)  # Of a `functools.partial`, as pytest's tests are.
                main.__qualname__ = getattr(function, "__qualname__", "main")
                return runner.run(main)
        except BaseException:
            if director.problem is None:
                raise
            return None


def left_behind(loop: _Loop, director: Director[Any]) -> LeftBehind | None:
    """Finds what a scenario leaves when it has ended: tasks that go on, and errors that nobody has seen. Trio has
    neither."""
    running = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    running = [task for task in running if not task.done()]
    running.sort(key=director.order)
    lines = [
        f"  {director.label(task)} still runs, {_at(task)}: await it, or cancel it and await its end"
        for task in running
    ]
    lines += [f"  {line}" for line in (_unseen(context) for context in loop.errors)]
    for task in director.tasks:
        if task.done() and not task.cancelled() and task._log_traceback:
            lines.append(f"  {director.label(task)} raised {task.exception()!r}, and nobody awaits it")
    return LeftBehind("\n".join(["the scenario has ended, and leaves behind:", *lines])) if lines else None


def _at(task: asyncio.Task[Any]) -> str:
    place = place_of(task.get_coro())
    return f"at {place} in {place.function}" if place else "at its start"


def _unseen(context: dict[str, Any]) -> str:
    """A line on what an exception handler is told."""
    error = context.get("exception")
    return f"{context['message']}{f': {error!r}' if error is not None else ''}"


def name_of(task: Any) -> str:
    """What a task is called: as it was named, or by the last part of its function's name."""
    if is_outside(task):
        return str(task.name)
    name = task.get_name()
    if _UNNAMED.fullmatch(name):  # Numbered by asyncio, and in each run differently.
        name = getattr(task.get_coro(), "__qualname__", "task")
    return short_name(name)


@contextmanager
def _anyio_under_control(director: Director[Any]) -> Iterator[None]:
    """Runs AnyIO's threads in the loop, and its tasks in scopes that a schedule may cancel."""
    if anyio_backend is None:
        yield
        return
    backend: Any = anyio_backend.AsyncIOBackend
    groups: Any = anyio_backend.TaskGroup
    saved = backend.__dict__["run_sync_in_worker_thread"], groups.start_soon, groups.start, groups._spawn
    backend.run_sync_in_worker_thread = classmethod(_thread_in_the_loop)
    if director.may_cancel_tasks:
        groups.start_soon, groups.start = _in_scope(groups.start_soon), _in_scope(groups.start)
        groups._spawn = _in_a_group(groups._spawn)
    from orchestrator.testing.schedules.anyio_network import sockets_in_memory

    try:
        with sockets_in_memory():
            yield
    finally:
        backend.run_sync_in_worker_thread, groups.start_soon, groups.start, groups._spawn = saved


def _in_scope(start: Callable[..., Any]) -> Callable[..., Any]:
    """A method of AnyIO's task groups that starts tasks which can be cancelled one by one."""

    def started(group: Any, func: Any, *args: Any, **arguments: Any) -> Any:
        return start(group, in_scope(func), *args, **arguments)

    return started


async def _thread_in_the_loop(
    cls: Any, func: Callable[..., Any], args: tuple[Any, ...], abandon_on_cancel: bool = False, limiter: Any = None
) -> Any:
    """Does the work of a thread in the loop, when its turn has come."""
    await cls.checkpoint()
    async with limiter or cls.current_default_thread_limiter():
        try:
            return func(*args)
        finally:
            await cls.cancel_shielded_checkpoint()


def _in_a_group(spawn: Callable[..., Any]) -> Callable[..., Any]:
    """The method of AnyIO's task groups that makes a task: it tells the loop that the task is no native one."""

    def spawned(group: Any, *args: Any, **arguments: Any) -> Any:
        loop: Any = asyncio.get_running_loop()
        loop.in_a_group = True
        try:
            return spawn(group, *args, **arguments)
        finally:
            loop.in_a_group = False

    return spawned


class _Ready(deque[Any]):
    """The loop's queue: returns callbacks in their order, and the task that the director picks."""

    def __init__(self, director: Director[Any], places: bool, loop: _Loop) -> None:
        super().__init__()
        self._director = director
        self._places = places
        self._loop = loop
        self._in_vain = 0
        self._due = 0
        self._recount = True
        self._stepped: asyncio.Task[Any] | None = None
        self._began: Any = None
        self._rounds = 0

    def popleft(self) -> Any:
        self._note()
        handle = None
        while handle is None:
            handle = self._first() if self._director.fifo else self._any()
        self.remove(handle)
        return handle

    def _first(self) -> Any:
        """The handle that a plain loop would take; None where a task was cancelled instead."""
        if not _is_choice(self[0]):
            return self._callback(self[0], alone=True)
        choices = [handle for handle in self if _is_choice(handle)]
        task = next((handle for handle in choices if not is_outside(_owner(handle))), None)
        return self._picked([handle for handle in choices if handle is task or is_outside(_owner(handle))])

    def _any(self) -> Any:
        """Returns a callback, or the task that is picked; None if one was cancelled instead."""
        tasks = [handle for handle in self if _is_choice(handle)]
        if self._recount:
            # Only those that are queued now: a callback that schedules itself again and again must not keep tasks from
            # running.
            self._due, self._recount = len(self) - len(tasks), False
        if self._due or not tasks:
            self._due = max(0, self._due - 1)
            handle = next(handle for handle in self if not _is_choice(handle))
            return self._callback(handle, alone=not tasks)
        return self._picked(tasks)

    def _callback(self, handle: Any, alone: bool) -> Any:
        self._in_vain += 1
        if self._in_vain > IN_VAIN and alone:
            self._in_vain = 0
            self._loop.nobody_can_run()
        return handle

    def _picked(self, tasks: list[Any]) -> Any:
        director = self._director
        owners = [_owner(task) for task in tasks]
        self._loop.withdraw_ended()
        turn = director.pick(owners)
        if turn.is_cancelled:
            self._cancel(turn.task)
            return None
        self._in_vain, self._recount = 0, True
        handle = tasks[owners.index(turn.task)]
        if is_outside(turn.task):
            if self._places:
                director.trace.places.append((ARRIVES, ARRIVES))
            return handle
        if handle is not next(one for one in tasks if not is_outside(_owner(one))):
            director.overtakes()
        if director.problem is not None:
            self._rounds += 1
            if self._rounds > ROUNDS * 100:
                raise RuntimeError("tasks that were told to end do not")
            turn.task.cancel()
        elif self._places and not director.finished:
            self._stepped = turn.task
            self._began = place_of(turn.task.get_coro())
        return handle

    def cancel_at_rest(self) -> bool:
        """No task can run. Returns whether one was cancelled now, so that time stands still."""
        self._note()
        self._loop.withdraw_ended()
        task = self._director.rest()
        if task is not None:
            self._cancel(task)
        return task is not None

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        place = LOST if is_outside(task) else place_of(task.get_coro()) if self._places else None
        self._director.trace.places.append((place, place))
        self._director.cancel(task)

    def _note(self) -> None:
        """Writes down where the last step ended."""
        if self._stepped is not None:
            task, self._stepped = self._stepped, None
            ended = None if task.done() else place_of(task.get_coro())
            self._director.trace.places.append((self._began, ended))


def _owner(handle: Any) -> Any:
    """The task whose step a handle is, or what arrives."""
    return getattr(handle._callback, "__self__", None)


def _is_choice(handle: Any) -> bool:
    owner = _owner(handle)
    return isinstance(owner, asyncio.Task) or is_outside(owner)


class _Selector(selectors.DefaultSelector):
    """Does not wait: it polls, and lets the loop's clock jump."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: Callable[[], None] = lambda: None
        self.foreign: Callable[[], None] = lambda: None
        self.own: set[int] = set()
        """The loop's own descriptors."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if any(key.fd not in self.own for key, _ in ready):
            self.foreign()
        if not ready and (timeout is None or timeout > 0):
            self.idle()
        return ready


class _Loop(Networked):
    """An event loop that does nothing by itself."""

    def __init__(self, director: Director[Any], places: bool) -> None:
        selector = _Selector()
        super().__init__(selector)
        selector.idle = self.nobody_can_run
        selector.foreign = self.something_foreign
        selector.own = {key.fd for key in selector.get_map().values()}
        self._selector_used = selector
        self._director = director
        self._ready = _Ready(director, places, self)
        self._now = 0.0
        self._rounds = 0
        self._thread = threading.get_ident()
        self._foreign = ForeignThreads()
        self._arrived: deque[asyncio.Handle] = deque()
        self._begun = False
        self._native: list[asyncio.Task[Any]] = []
        self.in_a_group = False
        """Whether the task that is made now is one of AnyIO's groups."""
        self.errors: list[dict[str, Any]] = []
        """What was told to the loop's exception handler: nobody awaits it."""
        self.set_exception_handler(lambda _, context: self.errors.append(context))

    def create_task(self, coro: Any, **arguments: Any) -> asyncio.Task[Any]:
        """A native task, unlike one of AnyIO's groups, can be cancelled as it is."""
        task: asyncio.Task[Any] = super().create_task(coro, **arguments)
        if self.network is not None:
            self.network.started(task)
        if self._director.may_cancel_tasks and self._begun and not self.in_a_group:
            self._director.offer(task, task.cancel)
            self._native.append(task)
        self._begun = True
        return task

    def withdraw_ended(self) -> None:
        """A native task that has ended cannot be cancelled."""
        for task in [task for task in self._native if task.done()]:
            self._director.withdraw(task, task.cancel)
            self._native.remove(task)

    def time(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        """What `time.sleep` does: nobody else runs meanwhile."""
        self._now += max(0.0, seconds)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """From another thread, it waits until no task can run."""
        if threading.get_ident() == self._thread:
            return self.call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._arrived.append(handle)
        return handle

    def _admit(self, seconds: float) -> bool:
        """Lets in what came from other threads, after it was waited for so long. Returns whether anything came."""
        if not self._foreign.wait(lambda: bool(self._arrived), seconds):
            return False
        while self._arrived:
            self._ready.append(self._arrived.popleft())
        return True

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        """Does the work of a thread at once; the result arrives in a later step."""
        future = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_soon(_settle, future, error, None)
        else:
            self.call_soon(_settle, future, None, result)
        return future

    def nobody_can_run(self) -> None:
        """No task can run: time passes, or it is a deadlock."""
        foreign = any(key.fd not in self._selector_used.own for key in self._selector_used.get_map().values())
        # In this order. What a thread has sent is here already, and a task at rest may be cancelled, so no time need
        # pass for these. Else a thread that is alive may still send something, and it gets real time for that before
        # virtual time jumps past it. Only where nothing of this is left, and no timer, is it a deadlock.
        if self._admit(0.0) or self._ready.cancel_at_rest():
            return
        timers: Any = getattr(self, "_scheduled")  # noqa: B009  (the type stubs do not know it)
        when = min((timer._when for timer in timers if not timer.cancelled()), default=inf)
        if self._foreign.alive() and self._admit(BEFORE_A_JUMP if when < inf else AT_REST):
            return
        if when < inf and not foreign:  # To sleep for ever is a timer too.
            self._now = max(self._now, when)
            return
        if self._problem_is_open():
            waiters = self._waiters()
            self._director.problem = outside(waiters) if foreign else deadlock(waiters, self._foreign.told())
        self._abandon_all()

    def something_foreign(self) -> None:
        """A socket, a pipe or a process has something: when it does is not under control."""
        if self._problem_is_open():
            self._director.problem = outside(self._waiters())
            self._abandon_all()

    def _problem_is_open(self) -> bool:
        return self._director.problem is None and not self._director.finished

    def _waiters(self) -> list[Waiter]:
        director = self._director
        tasks = sorted((task for task in asyncio.all_tasks(self) if not task.done()), key=director.order)
        return [Waiter(director.label(task), task, task.get_coro(), _children(task, director)) for task in tasks]

    def _abandon_all(self) -> None:
        """Lets all tasks raise."""
        self._rounds += 1
        if self._rounds > ROUNDS:
            raise RuntimeError("tasks that were told to end do not")
        for task in [task for task in asyncio.all_tasks(self) if not task.done()]:
            _abandon(task)


def _settle(future: asyncio.Future[Any], error: Exception | None, result: Any) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _children(task: asyncio.Task[Any], director: Director[Any]) -> list[str]:
    """The tasks in task groups of AnyIO that a task has opened."""
    children = []
    for other in asyncio.all_tasks():
        state = anyio_backend._task_states.get(other) if anyio_backend is not None else None
        if other is not task and state is not None and state.parent_id == id(task):
            children.append(other)
    return [director.label(task) for task in sorted(children, key=director.order)]


def _abandon(task: asyncio.Task[Any]) -> None:
    """Makes a task that waits raise, even if it is shielded."""
    waiter = getattr(task, "_fut_waiter", None)
    if type(waiter) is asyncio.Future and not waiter.done():
        waiter.set_exception(Abandoned())
    else:
        task.cancel()
