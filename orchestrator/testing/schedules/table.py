"""Who ran when, drawn: a column for each task, a row for each turn."""

from __future__ import annotations

import linecache
from itertools import groupby

from orchestrator.testing.schedules.trace import ARRIVES, CANCEL, LOST, CodePlace, Trace

COLUMNS = 6
"""More tasks than that are not drawn side by side."""

ROWS = 60
"""Of a longer schedule only the end is drawn."""

WIDTH = 100
"""Columns of a terminal that a table takes."""

SOURCES = 20
"""So many source lines are shown below a table."""


class _Turn:
    """Steps of one task in a row: where it began and where it ended up."""

    def __init__(
        self, label: str, began: CodePlace | None, ended: CodePlace | None, steps: int, overtakes: bool
    ) -> None:
        self.label = label.removeprefix(CANCEL)
        self.steps = steps
        self.mark = "*" if overtakes else " "
        if began is not None and began in (ARRIVES, LOST):
            self.text = began.function
            return
        if label.startswith(CANCEL):
            self.text = f"CANCELLED at {began}" if began else "CANCELLED"
            return
        start = str(began) if began else "begins"
        if ended is None:
            self.text = f"{start}, ends" if began else "begins, ends"
        elif began is not None and began.file == ended.file:
            self.text = f"{start} to {ended.line}" if began.line != ended.line else f"{start} again"
        else:
            self.text = f"{start}, to {ended}"


def turns(trace: Trace) -> list[_Turn]:
    """The turns of a trace that has its places."""
    rows = []
    step = 0
    for label, steps in groupby(trace.labels):
        count = len(list(steps))
        last = min(step + count, len(trace.places)) - 1
        began = trace.places[step][0] if step < len(trace.places) else None
        ended = trace.places[last][1] if last >= step else None
        overtakes = any(step <= number < step + count for number in trace.overtaking)
        rows.append(_Turn(label, began, ended, count, overtakes))
        step += count
    return rows


def table(trace: Trace) -> str:
    """The schedule as a table, at most `WIDTH` columns wide: in each turn, from which line to which a task went, and
    below it what stands in these lines."""
    rows = turns(trace)
    dropped = max(0, len(rows) - ROWS)
    shown = rows[dropped:]
    lines = [f"  ({dropped} turns before)"] if dropped else []
    lines += _side_by_side(shown, dropped) or _one_below_the_other(shown, dropped)
    return "\n".join([*lines, *_source_of(trace)])


def _side_by_side(shown: list[_Turn], dropped: int) -> list[str]:
    """A column for each task; [] where that would be too wide."""
    labels = list(dict.fromkeys(turn.label for turn in shown))
    widths = {label: max(len(label), *(len(turn.text) for turn in shown if turn.label == label)) for label in labels}
    digits = len(str(dropped + len(shown)))
    if len(labels) > COLUMNS or 4 + digits + sum(widths.values()) + 2 * (len(labels) - 1) > WIDTH:
        return []
    lines = [("  " + " " * digits + "  " + "  ".join(f"{label:<{widths[label]}}" for label in labels)).rstrip()]
    for number, turn in enumerate(shown, dropped + 1):
        cells = [f"{turn.text if label == turn.label else '':<{widths[label]}}" for label in labels]
        lines.append(f"  {number:>{digits}}{turn.mark} {'  '.join(cells)}".rstrip())
    return lines


def _one_below_the_other(shown: list[_Turn], dropped: int) -> list[str]:
    digits = len(str(dropped + len(shown)))
    width = min(max((len(turn.label) for turn in shown), default=0), WIDTH // 3)
    lines = []
    for number, turn in enumerate(shown, dropped + 1):
        line = f"  {number:>{digits}}{turn.mark} {_cut(turn.label, width):<{width}}  {turn.text}"
        lines.append(_cut(line, WIDTH))
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _source_of(trace: Trace) -> list[str]:
    """What stands in the lines that the table names."""
    places = sorted({place for pair in trace.places for place in pair if place not in (None, ARRIVES, LOST)})
    lines = [(str(place), linecache.getline(place.file, place.line).strip()) for place in places[:SOURCES]]
    width = max((len(name) for name, _ in lines), default=0)
    return [_cut(f"    {name:<{width}}  {source}", WIDTH) for name, source in lines if source]
