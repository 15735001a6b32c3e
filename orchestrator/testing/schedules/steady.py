"""What both loops need: an interpreter that decides nothing by itself, and names of tasks that are always the same."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 1000
"""How often tasks that never end are told to, before the loop itself is broken off."""


@contextmanager
def steady_interpreter() -> Iterator[None]:
    """The interpreter's random numbers are the same each time, and garbage is not collected at moments of its own
    choice."""
    numbers, collecting = random.getstate(), gc.isenabled()
    random.seed(0)
    gc.disable()
    try:
        yield
    finally:
        random.setstate(numbers)
        if collecting:
            gc.enable()


def short_name(name: str) -> str:
    """The last part of a function's name; a name with blanks was given by hand, and stays."""
    return name if " " in name else name.rpartition("<locals>.")[2].rpartition(".")[2]
