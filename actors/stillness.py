"""A build in which nothing moves says what it is waiting for.

Something moves whenever an actor has handled a message or a worker has finished a module: each counts it, which costs
an addition. Whoever waits for the end of a build compares these counts every now and then; a build that is over before
the first look has cost a timer.
"""

from __future__ import annotations

import anyio

from actors.events import ActorState, BuildStalled, RunningJob
from actors.system import System

QUIET_SECONDS = 10.0
"""Two looks so far apart that find the same counts: nothing moves. So it is said after once or twice this time, and
again after two, four, eight ... times as long."""

NAMES = {"keeper": "the cache", "hasher": "reading sources", "scanner": "looking for sources", "planner": "planning"}
"""Who may be waited for, in this order, where no job is running: the others wait for these."""


class Watchdog:
    """Follows one build. Sleep for `pause` seconds, then `look`."""

    def __init__(self, system: System, build: int) -> None:
        self._system = system
        self._build = build
        self._moves = system.moves
        self._since = anyio.current_time()
        self.pause = QUIET_SECONDS

    def look(self) -> BuildStalled | None:
        """What the build waits for, where nothing has moved since the last look: also told to everyone who listens."""
        moves, now = self._system.moves, anyio.current_time()
        if moves != self._moves:
            self._moves, self._since, self.pause = moves, now, QUIET_SECONDS
            return None
        self.pause *= 2
        found = seen(self._system, self._build, now - self._since)
        self._system.events.warn(found)
        return found


def seen(system: System, build: int, seconds: float) -> BuildStalled:
    """The actors as they are now."""
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
    doing = {one.name: one.doing for one in actors}
    for name, words in NAMES.items():
        if doing.get(name):
            return (f"{words} ({doing[name]})",)
    return ("nobody: please report this",)


def _job(job: RunningJob) -> str:
    where = f", process {job.process}" if job.process else ""
    return f"{job.doing} {job.module} ({job.seconds:.0f} s{where})"
