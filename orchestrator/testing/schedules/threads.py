"""Threads beside a schedule: what they give to the loop arrives when nobody can run, and a run that hangs is ended.

A thread that a library starts itself is not under control. It may call into the loop (`call_soon_threadsafe`, a
portal); such a call waits until no task can run, so that it comes at the same moment in every run, as long as there is
one thread. When all wait and such a thread is alive, the loop waits for it in real time before it says "deadlock".

A function that is given to a thread runs in the loop's own thread. If it waits for the loop, nothing goes on: the
watchdog finds that out, and raises in the middle of it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from orchestrator.testing.schedules.director import Abandoned, Director, Uncontrolled
from orchestrator.testing.schedules.frames import is_loops

# The harness measures real time, whatever a schedule does to the names in `time`.
from time import monotonic as real_time  # isort: skip
from time import sleep as real_sleep  # isort: skip

HANG = 10.0
"""Seconds of real time without a step, after which a run is ended."""

AT_REST = 2.0
"""Seconds of real time that the loop waits for a thread when all tasks wait."""

BEFORE_A_JUMP = 0.05
"""The same before the clock jumps: a thread that only waits for work should not make each `sleep` long."""


class ForeignThreads:
    """The threads that were started since a run began."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def alive(self) -> list[threading.Thread]:
        return [
            thread for thread in threading.enumerate() if thread not in self._before and thread is not _WATCHDOG.thread
        ]

    def wait(self, arrived: Callable[[], bool], seconds: float) -> bool:
        """Waits in real time until something has arrived from one of these threads. Returns whether it has."""
        until = real_time() + seconds
        while not arrived() and self.alive() and real_time() < until:
            real_sleep(0.0005)
        return arrived()

    def told(self) -> str:
        """Lines on where they are, "" where there are none."""
        lines = [f"  the thread {thread.name} is {_where(thread)}" for thread in self.alive()]
        return "\n".join(["threads that the harness does not control:", *lines]) if lines else ""


def _where(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    place = _theirs(frame)
    return f"at {place}" if place else "running"


def _theirs(frame: FrameType | None) -> str:
    """The innermost line of a stack that is no library's."""
    while frame is not None:
        if not is_loops(frame):
            name = os.path.basename(frame.f_code.co_filename)
            return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return ""


class _Watchdog:
    """One thread for all runs: looks each second whether the run that is going on has made a step."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._director: Director[Any] | None = None
        self._began = 0.0

    def watch(self, director: Director[Any] | None) -> Director[Any] | None:
        """Watches this run from now on. Returns the one that was watched before."""
        before, self._director, self._began = self._director, director, real_time()
        if self.thread is None and director is not None:
            self.thread = threading.Thread(target=self._look, name="schedules-watchdog", daemon=True)
            self.thread.start()
        return before

    def _look(self) -> None:
        seen: tuple[int, int] = (0, 0)
        since = real_time()
        while True:
            real_sleep(min(1.0, HANG / 4))
            director = self._director
            now = (id(director), len(director.trace.labels) if director is not None else 0)
            if director is None or now != seen:
                seen, since = now, real_time()
            elif real_time() - max(since, self._began) > HANG:
                since = real_time()
                assert _SIGNAL is not None
                signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def hangs(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler: say where the main thread is, and end the run."""
        director = self._director
        if director is None or director.problem is not None:
            return
        stacks = []
        for ident, one in sys._current_frames().items():
            name = next((thread.name for thread in threading.enumerate() if thread.ident == ident), "a thread")
            stack = frame if ident == threading.main_thread().ident else one
            if self.thread is None or ident != self.thread.ident:
                stacks.append(f"{name}:\n{''.join(traceback.format_stack(stack, 12)).rstrip()}")
        director.problem = Uncontrolled(
            f"no step was made for {HANG:g} seconds of real time, at {_theirs(frame) or 'an unknown line'}: something "
            "waits for another thread, for a process or for the loop itself. (A function that is given to a thread "
            "runs in the loop's own thread here, and must not wait for the loop.)\n" + "\n".join(stacks)
        )
        raise Abandoned


_WATCHDOG = _Watchdog()

_SIGNAL: int | None = getattr(signal, "SIGUSR2", None)


@contextmanager
def watched(director: Director[Any]) -> Iterator[None]:
    """Ends the run inside when it hangs: in the main thread, on POSIX."""
    if _SIGNAL is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(_SIGNAL, _WATCHDOG.hangs)
    before = _WATCHDOG.watch(director)
    try:
        yield
    finally:
        _WATCHDOG.watch(before)
        signal.signal(_SIGNAL, handler)
