"""One schedule on Trio, in virtual time.

Trio keeps its runnable tasks in a batch, which it sorts and has shuffled by `trio._core._run._r` where
`_ALLOW_DETERMINISTIC_SCHEDULING` is set. `_Chooser` stands in for `_r`: its `shuffle` leaves the one task in the batch
that the director picks, and puts all others back. So every interleaving is possible, not only the permutations of a
round. These are private names of Trio. Each run raises at once if they are gone, and a test checks that they work.

Trio's own tasks (start-up, shutdown, what threads leave for it) run first and are no choice. The clock stands while
anybody can run, and then jumps to the next deadline. If all tasks wait and there is no deadline, that is a deadlock. A
function that is given to a thread runs in the loop instead, when its turn has come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, TypeVar

import outcome
import trio
import trio._core._run as run_module
import trio._threads as threads_module
import trio.testing

from orchestrator.testing.schedules.cancelling import directed_by, in_scope
from orchestrator.testing.schedules.director import Abandoned, Director, Uncontrolled
from orchestrator.testing.schedules.frames import place_of
from orchestrator.testing.schedules.steady import ROUNDS, short_name, steady_interpreter
from orchestrator.testing.schedules.threads import AT_REST, BEFORE_A_JUMP, ForeignThreads, watched
from orchestrator.testing.schedules.trace import CodePlace
from orchestrator.testing.schedules.waits import Waiter, deadlock, outside

Scenario = Callable[[], Awaitable[object]]

R = TypeVar("R")


def check_trio() -> None:
    """Raises RuntimeError if this version of Trio lacks the private names that the harness needs."""
    missing = [name for name in ("_r", "_ALLOW_DETERMINISTIC_SCHEDULING") if not hasattr(run_module, name)]
    if not hasattr(threads_module, "start_thread_soon"):
        missing.append("start_thread_soon")
    if missing:
        raise RuntimeError(
            f"trio {trio.__version__} has no {', '.join(missing)} any more, by which schedules are controlled: "
            "install the version that the `testing` extra asks for"
        )


def run(scenario: Scenario, director: Director[trio.lowlevel.Task], places: bool = False) -> object:
    """Runs a scenario as the director says; its value, or its exception. Raises what is no failure of the scenario
    (KeyboardInterrupt). Where `director.problem` is set afterwards, what was raised means nothing."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    chooser = _Chooser(director, places)
    instruments: list[trio.abc.Instrument] = [_Idle(chooser)]
    if places:
        instruments.append(_Places(director, chooser))
    with _under_control(chooser, clock), directed_by(director, trio.lowlevel.current_task), watched(director):
        try:
            return trio.run(scenario, clock=clock, instruments=instruments)
        except BaseException:
            if director.problem is None:
                raise
            return None
        finally:
            director.trace.seconds = clock.current_time()


@contextmanager
def _under_control(chooser: _Chooser, clock: trio.testing.MockClock) -> Iterator[None]:
    """Trio, and the interpreter, as the harness wants them."""
    module: Any = run_module
    threads: Any = threads_module
    saved = module._r, module._ALLOW_DETERMINISTIC_SCHEDULING, threads.start_thread_soon
    nursery: Any = trio.Nursery
    starts = nursery.start_soon, nursery.start
    module._r, module._ALLOW_DETERMINISTIC_SCHEDULING = chooser, True
    threads.start_thread_soon = _thread_in_the_loop
    if chooser.director.may_cancel_tasks:
        nursery.start_soon, nursery.start = (_in_scope(start) for start in starts)
    try:
        with steady_interpreter(clock.current_time, lambda seconds: clock.jump(max(0.0, seconds))):
            yield
    finally:
        module._r, module._ALLOW_DETERMINISTIC_SCHEDULING, threads.start_thread_soon = saved
        nursery.start_soon, nursery.start = starts


def _in_scope(start: Callable[..., R]) -> Callable[..., R]:
    """A method of nurseries that starts tasks which can be cancelled one by one."""

    def started(
        nursery: trio.Nursery, async_fn: Callable[..., Awaitable[object]], *args: object, **arguments: object
    ) -> R:
        return start(nursery, in_scope(async_fn), *args, **arguments)

    return started


def _thread_in_the_loop(
    function: Callable[[], R], deliver: Callable[[outcome.Outcome[R]], object], name: object = None
) -> None:
    """Does the work of a thread at once. The result returns in the usual way."""
    deliver(outcome.capture(function))


def _runner() -> Any:
    """Trio's loop that runs in this thread."""
    context: Any = run_module.GLOBAL_RUN_CONTEXT
    return context.runner


class _Chooser:
    """Stands in for the random numbers of Trio's loop."""

    def __init__(self, director: Director[trio.lowlevel.Task], places: bool) -> None:
        self.director = director
        self._places = places
        self._rounds = 0

    def shuffle(self, batch: list[trio.lowlevel.Task]) -> None:
        """Leaves one task in the batch: one of Trio's own, or the one that the director picks."""
        runner = _runner()
        # Trio's own tasks are no choice: otherwise a schedule would depend on how Trio starts and stops.
        kept = next((task for task in batch if is_trios(task, runner)), None)
        if kept is None and batch:
            kept = self._picked(batch)
            if kept is None:  # Somebody was cancelled, who may run now: look again.
                runner.runq.extend(batch)
                batch.clear()
                return
            # The scenario has failed, and its tasks are made to raise. The limit ends a run whose task catches that and
            # goes on.
            if self.director.problem is not None:
                self._rounds += 1
                if self._rounds > ROUNDS * 100:
                    raise RuntimeError("tasks that were told to end do not")
                _throw(kept)
        if kept is not None and len(batch) > 1:
            batch.remove(kept)
            runner.runq.extend(batch)
            batch[:] = [kept]

    def _picked(self, batch: list[trio.lowlevel.Task]) -> trio.lowlevel.Task | None:
        """The task that runs; None where one was cancelled instead."""
        director = self.director
        turn = director.pick(batch)
        if not turn.is_cancelled:
            return turn.task
        self.cancel(turn.task)
        return None

    def cancel(self, task: Any) -> None:
        """Cancels a task that the director has picked for that."""
        place = place_of(task.coro) if self._places else None
        self.director.trace.places.append((place, place))
        self.director.cancel(task)

    def random(self) -> float:
        return 0.0

    def uniform(self, low: float, high: float) -> float:
        return low


def is_trios(task: trio.lowlevel.Task, runner: Any) -> bool:
    """Whether a task is one of Trio's own."""
    nursery = task._parent_nursery
    return nursery is None or (nursery._parent_task is runner.init_task and task is not runner.main_task)


def _throw(task: trio.lowlevel.Task) -> None:
    """Lets a task that could go on raise instead; one that has not begun does at its first rest."""
    if isinstance(task._next_send, outcome.Outcome):
        task._next_send = outcome.Error(Abandoned())


class _Idle(trio.abc.Instrument):
    """Finds out why no task can run."""

    def __init__(self, chooser: _Chooser) -> None:
        self._director = chooser.director
        self._chooser = chooser
        self._rounds = 0
        self._foreign = ForeignThreads()

    def before_io_wait(self, timeout: float) -> None:
        runner = _runner()
        queue = runner.entry_queue

        def arrived() -> bool:
            return bool(queue.queue or queue.idempotent_queue)

        if runner.runq or arrived():
            return
        # Trio looks at its queue again before it lets time pass, so a task that is cancelled here runs first.
        victim = self._director.rest()
        if victim is not None:
            self._chooser.cancel(victim)
            return
        waiting = runner.io_manager.statistics()
        if getattr(waiting, "tasks_waiting_read", 1) + getattr(waiting, "tasks_waiting_write", 0) > 1:
            self._end(runner, Uncontrolled)  # Trio itself waits for one socket.
            return
        at_rest = runner.deadlines.next_deadline() == inf
        if self._foreign.alive() and self._foreign.wait(arrived, AT_REST if at_rest else BEFORE_A_JUMP):
            return
        if not runner.waiting_for_idle and runner.deadlines.next_deadline() == inf:
            self._end(runner, None)

    def _end(self, runner: Any, kind: type[Uncontrolled] | None) -> None:
        """Notes what is wrong, and makes all tasks raise."""
        tasks = sorted((task for task in runner.tasks if not is_trios(task, runner)), key=lambda task: task._counter)
        director = self._director
        if director.problem is None:
            waiters = [waiter(task, director) for task in tasks]
            director.problem = outside(waiters) if kind else deadlock(waiters, self._foreign.told())
        self._rounds += 1
        if self._rounds > ROUNDS:
            raise RuntimeError("tasks that were told to end do not")
        for task in tasks:
            if task._abort_func is not None:
                task._attempt_abort(_raise_abandoned)


def _raise_abandoned() -> None:
    raise Abandoned


def name_of(task: trio.lowlevel.Task) -> str:
    """What a task is called: as it was named, or by the last part of its function's name."""
    return short_name(task.name)


def waiter(task: trio.lowlevel.Task, director: Director[trio.lowlevel.Task]) -> Waiter:
    children = sorted(
        (child for nursery in task.child_nurseries for child in nursery.child_tasks), key=lambda child: child._counter
    )
    return Waiter(director.label(task), task, task.coro, [director.label(child) for child in children])


class _Places(trio.abc.Instrument):
    """Writes down where each step began and ended."""

    def __init__(self, director: Director[trio.lowlevel.Task], chooser: _Chooser) -> None:
        self._director = director
        self._began: CodePlace | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = place_of(task.coro)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        trace = self._director.trace
        if len(trace.places) < len(trace.labels) and not is_trios(task, _runner()):
            trace.places.append((self._began, place_of(task.coro)))


__all__ = ["check_trio", "name_of", "run"]
