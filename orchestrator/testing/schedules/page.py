"""A failing schedule as a page of HTML, beside the nearest one that passes, with the first difference marked."""

from __future__ import annotations

import linecache
from html import escape

from orchestrator.testing.schedules.explore import Failure, Scenario, fails, run
from orchestrator.testing.schedules.outcome import Outcome
from orchestrator.testing.schedules.policy import Policy, Written, policy_of
from orchestrator.testing.schedules.trace import CANCEL, CodePlace, Trace

TRIES = 100
"""How many schedules are run to find one that passes."""

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em; color: #1c1c1c; background: #fff }
main { display: flex; gap: 2em; align-items: flex-start; flex-wrap: wrap }
table { border-collapse: collapse } caption { text-align: left; font-weight: 600; padding: .4em 0 }
td, th { border-top: 1px solid #ddd; padding: .15em .6em; text-align: left; vertical-align: top }
code { font: 12px/1.5 ui-monospace, monospace } .first td { background: #ffe08a }
.cancel td { color: #b00020; font-weight: 600 } .fifo { color: #b06000 } pre { white-space: pre-wrap }
"""


def page(scenario: Scenario, failure: Failure) -> str:
    """The page of a failure: what happened, step by step, and what happens in the nearest schedule that passes."""
    passing = nearest_passing(scenario, failure)
    apart = _first_difference(failure.trace, passing) if passing is not None else None
    tables = [_table(f"fails: {failure.schedule}", failure.trace, apart)]
    if passing is not None:
        tables.append(_table(f"passes: {passing.schedule}", passing, apart))
    first = escape(fails(failure.error))
    order = f"<p class=fifo>{escape(failure.order)}</p>" if failure.order else ""
    beside = "" if passing is not None else f"<p>No schedule that passes was found in {TRIES} tries.</p>"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{first}</title><style>{_STYLE}</style>"
        f"<h1>{first}</h1>{order}{beside}<main>{''.join(tables)}</main>"
        f"<h2>The error</h2><pre>{escape(str(failure.error))}</pre></html>\n"
    )


def nearest_passing(scenario: Scenario, failure: Failure) -> Trace | None:
    """Of the schedules that differ from the failing one in one choice, and behind it, the one that passes and has the
    most steps in common with it."""
    wanted = policy_of(failure.schedule)
    taken = {number: choice.taken for number, choice in enumerate(failure.trace.choices)}

    def once(choices: dict[int, int]) -> Outcome:
        policy: Policy = Written(choices, cancels=wanted.cancels, fifo=wanted.fifo)
        return run(scenario, policy, backend=failure.backend, places=True)

    best: Trace | None = None
    common = -1
    for choices in _changed(failure.trace, taken)[:TRIES]:
        outcome = once(choices)
        if not outcome.failed:
            same = _first_difference(failure.trace, outcome.trace)
            if same > common:
                best, common = outcome.trace, same
    return best


def _changed(trace: Trace, taken: dict[int, int]) -> list[dict[int, int]]:
    """Choices like these, with another one at one place, the last place first."""
    changes = []
    for number in reversed(range(len(trace.choices))):
        before = {choice: value for choice, value in taken.items() if choice < number}
        changes += [
            {**before, number: other}
            for other in range(trace.choices[number].of)
            if other != trace.choices[number].taken
        ]
    return changes


def _first_difference(one: Trace, two: Trace) -> int:
    """The first step that is of another task."""
    pairs = zip(one.labels, two.labels, strict=False)
    return next((step for step, (a, b) in enumerate(pairs) if a != b), min(len(one.labels), len(two.labels)))


def _table(title: str, trace: Trace, apart: int | None) -> str:
    rows = []
    for step, label in enumerate(trace.labels):
        began, ended = trace.places[step] if step < len(trace.places) else (None, None)
        kind = " ".join(
            name for name, is_so in (("first", step == apart), ("cancel", label.startswith(CANCEL))) if is_so
        )
        mark = (
            " <span class=fifo title='a FIFO loop does not take this step'>*</span>" if step in trace.overtaking else ""
        )
        cells = (f"{step + 1}{mark}", escape(label), _place(began), "ends" if ended is None else _place(ended))
        rows.append(f"<tr class='{kind}'>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = "<tr><th>step</th><th>task</th><th>from</th><th>to</th></tr>"
    return f"<table><caption>{escape(title)}</caption>{head}{''.join(rows)}</table>"


def _place(place: CodePlace | None) -> str:
    if place is None:
        return "begins"
    source = linecache.getline(place.file, place.line).strip()
    return f"{escape(str(place))} <code>{escape(source)}</code>"
