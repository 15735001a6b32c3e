"""Reports what a build waits for when it makes no progress.

Progress is counted: each actor adds one for each message that it has handled, and for each module that a worker has
finished. The caller that waits for the end of a build compares these counts from time to time. So the report needs no
clock in any actor, costs an addition for each message, and a build that ends before the first look costs a timer.
"""

from __future__ import annotations

from actors.actor import Wired
from actors.events import ActorState, BuildStalled, RunningJob

QUIET_SECONDS = 10.0
"""Time between two looks. Where both find the same counts, the build makes no progress. So the first report comes after
once or twice this time, and more of them after two, four, eight ... times as long."""

NAMES = {"keeper": "the cache", "hasher": "reading sources", "scanner": "looking for sources", "planner": "planning"}
"""Where no job is running, the first busy actor in this order is what the others wait for; and words for it."""


class Watchdog:
    """Watches one build. The caller sleeps for `pause` seconds, then calls `look`."""

    def __init__(self, system: Wired, build: int) -> None:
        self._system = system
        self._build = build
        self._moves = system.moves
        self._since = system.offload.now()
        self.pause = QUIET_SECONDS

    def look(self) -> BuildStalled | None:
        """Returns what the build waits for, and emits it, where there was no progress since the last look."""
        moves, now = self._system.moves, self._system.offload.now()
        if moves != self._moves:
            self._moves, self._since, self.pause = moves, now, QUIET_SECONDS
            return None
        self.pause *= 2
        event = stalled(self._system, self._build, now - self._since)
        self._system.events.warn(event)
        return event


def stalled(system: Wired, build: int, seconds: float) -> BuildStalled:
    """The state of all actors now, after `seconds` without progress."""
    actors = []
    jobs: list[RunningJob] = []
    for actor in system.actors:
        jobs += actor.jobs()
        box = actor.statistics()
        actors.append(
            ActorState(
                name=actor.name,
                doing=actor.doing(),
                messages=box.messages,
                bytes=box.bytes,
                waiting=box.waiting,
                outstanding=box.outstanding,
            )
        )
    reader = system.events.held_up
    return BuildStalled(
        build=build,
        seconds=round(seconds, 3),
        waiting_for=_waiting_for(actors, jobs, reader),
        actors=tuple(actors),
        jobs=tuple(jobs),
    )


def _waiting_for(actors: list[ActorState], jobs: list[RunningJob], reader: bool) -> tuple[str, ...]:
    if reader:
        return ("a reader of events that does not read",)
    if jobs:
        return tuple(map(_job, jobs))
    doing = {actor.name: actor.doing for actor in actors}
    for name, words in NAMES.items():
        if doing.get(name):
            return (f"{words} ({doing[name]})",)
    return ("nobody: please report this",)


def _job(job: RunningJob) -> str:
    where = f", process {job.process}" if job.process else ""
    return f"{job.doing} {job.module} ({job.seconds:.0f} s{where})"
