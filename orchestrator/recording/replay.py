"""Replays a recording: the planner and the keeper of this code get what the recorded ones got, and must answer the
same.

    replayed = await replay(read("app.trace"))
    print(replayed.report())
    assert not replayed.differences

The planner is given, one after the other, what it took in the recording: builds, sources, answers of workers and
keeper. After each, the messages that it sends are compared with those it sent then. It stops at the first difference,
because the answers after that belong to other requests.

The keeper is given every request, in the order in which it took them, on a cache of its own in a temporary folder. What
its cache held before the recording began follows from its recorded answers. Nothing is compared if the disk had failed
(`degraded`), if other processes were at work, or if an answer depends on the clock or on files that are not recorded;
`Replayed.skipped` counts those. Of statistics, what was counted since the last ones is compared.

Times are never compared. So a replay differs from its recording where a decision differs: the code has changed, or the
recording shows a bug that is gone, or there is a new one. `wasmill trace replay` runs under Trio with a `MockClock` if
Trio is installed. Then the planner sees the recorded time, which matters where it waited for other processes.
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.recording.differing import ReplayDifference
from orchestrator.recording.keeper import replay_keeper
from orchestrator.recording.planner import replay_planner
from orchestrator.recording.record import MessageFrame, Recording
from orchestrator.report.progress import plural

SHOWN = 10
"""How many differences are reported at length."""


class Replayed(NamedTuple):
    """The result of a replay. `planner` and `keeper` count what they were given, `skipped` counts answers that were not
    compared, `assumed` counts entries that were in the cache before."""

    differences: list[ReplayDifference]
    planner: int
    keeper: int
    skipped: int
    assumed: int
    complete: bool

    def report(self) -> str:
        """The result in a few lines, for people."""
        lines = [
            f"planner: {plural(self.planner, 'message')} replayed",
            f"keeper: {plural(self.keeper, 'request')} replayed, {plural(self.skipped, 'answer')} not compared"
            + (f", {self.assumed} entries were there before" if self.assumed else ""),
        ]
        if not self.complete:
            lines.append("the recording ends before its Project was closed")
        lines += map(str, self.differences[:SHOWN])
        if len(self.differences) > SHOWN:
            lines.append(f"and {len(self.differences) - SHOWN} more")
        if not self.differences:
            lines.append("nothing differs: every decision is the one that was recorded")
        return "\n".join(lines)


async def replay(recording: Recording) -> Replayed:
    """Gives a recorded build to this planner and this keeper: see the module."""
    said = [(place, frame) for place, frame in enumerate(recording.frames) if isinstance(frame, MessageFrame)]
    planner, given = await replay_planner(recording.header, said)
    keeper, asked, skipped, assumed = await replay_keeper(recording.header, said)
    differences = [*([planner] if planner else []), *keeper]
    return Replayed(differences, given, asked, skipped, assumed, recording.complete)
