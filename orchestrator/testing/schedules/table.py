"""Who ran when, drawn: a column for each task, a row for each turn."""

from __future__ import annotations

from itertools import groupby

from orchestrator.testing.schedules.trace import CANCEL, CodePlace, Trace

COLUMNS = 6
"""More tasks than that are not drawn side by side."""

ROWS = 60
"""Of a longer schedule only the end is drawn."""


class _Turn:
    """Steps of one task in a row: where it began and where it ended up."""

    def __init__(
        self, label: str, began: CodePlace | None, ended: CodePlace | None, steps: int, overtakes: bool
    ) -> None:
        self.label = label.removeprefix(CANCEL)
        self.steps = steps
        self.mark = "*" if overtakes else " "
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
    found = []
    step = 0
    for label, steps in groupby(trace.labels):
        count = len(list(steps))
        last = min(step + count, len(trace.places)) - 1
        began = trace.places[step][0] if step < len(trace.places) else None
        ended = trace.places[last][1] if last >= step else None
        overtakes = any(step <= number < step + count for number in trace.overtaking)
        found.append(_Turn(label, began, ended, count, overtakes))
        step += count
    return found


def table(trace: Trace) -> str:
    """The schedule as a table: in each turn, from which line to which a task went."""
    rows = turns(trace)
    dropped = max(0, len(rows) - ROWS)
    shown = rows[dropped:]
    labels = list(dict.fromkeys(turn.label for turn in shown))
    digits = len(str(len(rows)))
    lines = [f"  ({dropped} turns before)"] if dropped else []
    if len(labels) > COLUMNS:
        width = max(map(len, labels))
        lines += [
            f"  {number:>{digits}}{turn.mark} {turn.label:<{width}}  {turn.text}"
            for number, turn in enumerate(shown, dropped + 1)
        ]
        return "\n".join(lines)
    widths = {label: max(len(label), *(len(turn.text) for turn in shown if turn.label == label)) for label in labels}
    lines.append(("  " + " " * digits + "  " + "  ".join(f"{one:<{widths[one]}}" for one in labels)).rstrip())
    for number, turn in enumerate(shown, dropped + 1):
        cells = [f"{turn.text if one == turn.label else '':<{widths[one]}}" for one in labels]
        lines.append(f"  {number:>{digits}}{turn.mark} {'  '.join(cells)}".rstrip())
    return "\n".join(lines)
