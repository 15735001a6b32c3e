"""What every bench shares: rows measured in turn, their medians and spreads, and what machine it was.

Nothing here knows what is measured. A machine that others use too is slower at one time than at another, so rows that
are to be compared are measured in turn, one after the other in each round, beginning with another one each time: what
disturbs, disturbs all of them. Ratios between such rows mean something; times of different runs hardly do.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime

Work = Callable[[], Awaitable[float]]
"""Does what is measured, and gives how long it took in milliseconds (or another number, as its row says)."""


class Times:
    """What was measured of one row, in the order in which it was."""

    __slots__ = ("unit", "values")

    def __init__(self, values: Iterable[float] = (), unit: str = "ms") -> None:
        self.values = list(values)
        self.unit = unit

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{shown(self.median)} {self.unit}"
        return f"{shown(self.median)} {self.unit} ({shown(self.low)} to {shown(self.high)})"

    def to_json(self) -> dict[str, object]:
        return {"median": self.median, "low": self.low, "high": self.high, "unit": self.unit, "values": self.values}


def shown(value: float) -> str:
    """Three digits are as many as mean anything."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


class TableRow:
    """One thing to measure. `prepare` is done before each time, and does not count."""

    def __init__(self, name: str, work: Work, prepare: Callable[[], Awaitable[None]] | None = None) -> None:
        self.name = name
        self.work = work
        self.prepare = prepare


async def in_turn(rows: Sequence[TableRow], rounds: int) -> dict[str, Times]:
    """Measure all rows, `rounds` times each."""
    found = {row.name: Times() for row in rows}
    for number in range(rounds):
        first = number % len(rows)
        for row in [*rows[first:], *rows[:first]]:
            if row.prepare is not None:
                await row.prepare()
            gc.collect()
            found[row.name].values.append(await row.work())
    return found


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that it takes."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1e3


class Book:
    """All that was measured, by name: `nothing/shell/1000`. Says each figure as it comes."""

    def __init__(self) -> None:
        self.figures: dict[str, Times] = {}
        self.notes: dict[str, str] = {}
        self.began = datetime.now(UTC)
        self.loads = [os.getloadavg()[0]]

    def add(self, name: str, times: Times | float, unit: str = "ms") -> None:
        found = times if isinstance(times, Times) else Times([times], unit)
        self.figures[name] = found
        self.loads.append(os.getloadavg()[0])
        print(f"{name:<44} {found}", flush=True)

    def add_all(self, found: dict[str, Times], size: int) -> None:
        for name, times in found.items():
            self.add(f"{name}/{size}", times)

    def median(self, name: str) -> float | None:
        times = self.figures.get(name)
        return times.median if times else None

    def to_json(self) -> dict[str, object]:
        return {
            "machine": machine(),
            "began": self.began.isoformat(timespec="seconds"),
            "load": [min(self.loads), max(self.loads)],
            "figures": {name: times.to_json() for name, times in self.figures.items()},
            "notes": self.notes,
        }


def machine() -> dict[str, object]:
    """Where this runs."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": os.path.basename(sys.executable),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
