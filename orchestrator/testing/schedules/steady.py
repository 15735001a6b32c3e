"""What both loops need: an interpreter that decides nothing by itself, and names of tasks that are always the same."""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ROUNDS = 1000
"""How often tasks that never end are told to, before the loop itself is broken off."""

EPOCH = 946_684_800
"""What `time.time()` says when a schedule begins: 2000-01-01, 00:00 UTC."""

_NANOSECONDS = 1_000_000_000


@contextmanager
def steady_interpreter(now: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[None]:
    """Makes random numbers the same each time, lets the clocks of `time` show the loop's virtual time (`now`, which
    `sleep` moves on), and collects no garbage at moments of the interpreter's own choice."""
    numbers, collecting = random.getstate(), gc.isenabled()
    random.seed(0)
    gc.disable()
    bytes_of = random.Random(0).randbytes
    changed = _changed(
        [(time, "monotonic", now), (time, "monotonic_ns", lambda: round(now() * _NANOSECONDS))],
        [(time, "time", lambda: EPOCH + now()), (time, "time_ns", lambda: round((EPOCH + now()) * _NANOSECONDS))],
        [(time, "sleep", sleep), (os, "urandom", bytes_of), (random, "_urandom", bytes_of)],
    )
    try:
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)
        random.setstate(numbers)
        if collecting:
            gc.enable()


def _changed(*changes: list[tuple[object, str, object]]) -> list[tuple[object, str, object]]:
    """Puts each value in its place. Returns what was there."""
    before = []
    for module, name, value in [change for group in changes for change in group]:
        before.append((module, name, getattr(module, name)))
        setattr(module, name, value)
    return before


def short_name(name: str) -> str:
    """The last part of a function's name; a name with blanks was given by hand, and stays."""
    return name if " " in name else name.rpartition("<locals>.")[2].rpartition(".")[2]
