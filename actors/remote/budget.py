"""How long a build may wait for a remote cache, and when it stops asking.

A build waits for a server that gives nothing for at most `MOST` seconds in all, for the first look-ups `LOOKING` of
them. What it has received, checked, pays for more: the time that compiling it took elsewhere, divided by the number of
slots that would have compiled it here. So a slow server is used as long as it is faster than compiling.

Time is a parameter everywhere; nothing here waits.
"""

from __future__ import annotations

MOST = 1.8
LOOKING = 1.0
UPLOADING = 1.0
"""How long uploads may go on after their build."""

MOST_CREDIT_MS = 100.0
"""What one entry may pay for, whatever its writer says of its compile."""

IN_A_ROW = 3
IN_A_BUILD = 16
"""So many faults, one after the other or in one build, and the server is not asked again."""

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""After the build in which a server was given up, later builds leave it alone for so many seconds, at first and at
most."""


class Budget:
    """`slots` compile at once. A build calls `begin`; it may ask while `open`."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self.trouble = ""
        """Why nothing is asked any more in this build."""
        self.note = ""
        """Why not everything was asked for in this build, though the server is used."""
        self.answers = 0
        """How often the server has answered as it should."""
        self._restart()

    def _restart(self) -> None:
        self._spent = 0.0
        self._credit = 0.0
        self._faults = 0
        self._in_a_row = 0
        self.note = ""

    @property
    def open(self) -> bool:
        return not self.trouble

    @property
    def said(self) -> str:
        """What a build is told, "" for nothing."""
        return self.trouble or self.note

    def begin(self, now: float) -> None:
        """A build begins: it starts with everything, unless a pause is not over."""
        if self.trouble and now < self._not_before:
            return
        self.trouble = ""
        self._restart()

    def left(self, *, looking: bool = False) -> float:
        """Returns the seconds that may be waited."""
        return max(0.0, (LOOKING if looking else MOST) + self._credit - self._spent) if self.open else 0.0

    def for_uploads(self) -> float:
        """Returns the seconds that uploads may go on after the build."""
        return min(UPLOADING, self.left())

    def spend(self, seconds: float) -> None:
        self._spent += seconds

    def received(self, duration_ms: float) -> None:
        """An entry came whose compile took `duration_ms` elsewhere, and was right."""
        self._credit += min(duration_ms, MOST_CREDIT_MS) / 1000 / self._slots
        self.answered()

    def answered(self) -> None:
        """The server answered as it should."""
        self.answers += 1
        self._in_a_row = 0
        self._pause = FIRST_PAUSE

    def fault(self, why: str, now: float, *, final: bool = False) -> None:
        """A call failed, or its answer was wrong. `final`: asking again is no use."""
        self._faults += 1
        self._in_a_row += 1
        if final or self._in_a_row >= IN_A_ROW or self._faults >= IN_A_BUILD:
            self.give_up(why, now)

    def give_up(self, why: str, now: float) -> None:
        """Nothing more is asked in this build, nor in builds that begin soon."""
        if self.open:
            self.trouble = why
            self._not_before = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
