"""The short answer: where all is as the last build left it, what that one said is said again, and nothing is asked.

In a Project that stays open a build with nothing changed is one comparison of stamps (`actors/scanner/compare.py`) and
this. It is the in-process twin of `cli/uptodate.py`, and declines for the same reasons; then the build goes its usual,
longer way, whose answer this must equal (`tests/properties/test_unchanged.py`).
"""

from __future__ import annotations

import msgspec

from actors.digests import NO_STAMP, Stamp
from actors.messages import BuildDone, BuildSettings, Record, ScanEnd
from actors.planner.run import Run


class _Last(msgspec.Struct, frozen=True):
    settings: BuildSettings
    snapshot: Stamp
    done: BuildDone


class Unchanged:
    """Remembers the last build that found nothing to do, and answers for the next one of the same settings."""

    def __init__(self) -> None:
        self._last: _Last | None = None

    def remember(self, run: Run, record: Record, done: BuildDone) -> None:
        """A build went the longer way to its end. It counts if it found nothing to do and nothing wrong, and if the
        snapshot that it was compared with stays: the next one is compared with the same."""
        self._last, end = None, run.end
        idle = run.from_plan and record.finished and not record.snapshot
        if idle and end is not None and _in_place(end) and done.success and done.cache_degraded is None:
            self._last = _Last(run.settings, end.snapshot, done)

    def answer(self, run: Run) -> BuildDone | None:
        """The answer to a build whose scan has ended; None where it must be looked for.

        The same settings, the very snapshot file, and everything as it says: the sources, the program, the settings'
        files and the toolchain's (their stamps are in there). Modules in memory, forced builds and whatever has no
        stamp that can be trusted never get here."""
        last, end = self._last, run.end
        if last is None or end is None or not _in_place(end):
            return None
        if end.snapshot != last.snapshot or run.settings != last.settings or run.read or run.vanished:
            return None
        return msgspec.structs.replace(last.done, build=run.id)


def _in_place(end: ScanEnd) -> bool:
    return end.same and end.snapshot != NO_STAMP and not end.held
