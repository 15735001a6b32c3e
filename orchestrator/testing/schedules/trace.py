"""What a schedule is: the decisions that were taken, and who ran when because of them.

A *step* is what one task does from where it was woken to where it next lets others run. Where more than one task could
run, somebody *chose*; a schedule is the list of these choices, and nothing else: with it, the same code does the same
again. Choices are numbers into a list of those who can run, made so that 0 is always the default: go on with the
task that ran last, or, when that one waits, run the task that has waited longest. So a schedule is written down as its
choices that are not 0, `12:1,40:2`, and the fewer they are, the easier it is to follow."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

CANCEL = "cancel "
"""Stands before the label of a task that is cancelled, which is a step of its own in a trace."""


class Choice(NamedTuple):
    """One choice: the number taken of `of`. `stays`: number 0 is the task that ran last, so that another task takes the
    turn from one that could have gone on, which is called a preemption. `step` is the step it decided. The last
    `cancels` of the numbers cancel a task."""

    taken: int
    of: int
    stays: bool
    step: int
    cancels: int = 0

    @property
    def preempts(self) -> bool:
        return self.stays and 0 < self.taken < self.of - self.cancels


class CodePlace(NamedTuple):
    """Where a task was when it let others run: a line of the innermost function that is not the event loop's."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.line}"


ARRIVES = CodePlace("", 0, "arrives")
LOST = CodePlace("", 0, "IS LOST")
"""The places of what happens outside of the program, which has no line there."""


class Trace:
    """One run: the task of each step by its label, and the choices. `places` has, where it was asked for, where each
    step began and ended (None: the task itself began or ended)."""

    __slots__ = ("choices", "labels", "overtaking", "places", "scopes", "seconds")

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.choices: list[Choice] = []
        self.places: list[tuple[CodePlace | None, CodePlace | None]] = []
        self.overtaking: list[int] = []
        """The steps of tasks that were woken after another that still waits for its turn. A FIFO loop, as asyncio's is,
        takes no such step."""
        self.scopes = 0
        """How many scopes the scenario opened by `cancellable`."""
        self.seconds = 0.0
        """Virtual seconds that passed."""

    @property
    def switches(self) -> int:
        """How often another task ran than the one before."""
        ran = [label for label in self.labels if not label.startswith(CANCEL)]
        return sum(before != after for before, after in pairwise(ran))

    @property
    def cancels(self) -> int:
        """How many tasks were cancelled."""
        return sum(label.startswith(CANCEL) for label in self.labels)

    @property
    def preemptions(self) -> int:
        return sum(choice.preempts for choice in self.choices)

    @property
    def schedule(self) -> str:
        """The choices as one writes them down."""
        return written([choice.taken for choice in self.choices])


def written(choices: list[int]) -> str:
    """`12:1,40:2` for a list of choices; "0" where all are."""
    return ",".join(f"{number}:{taken}" for number, taken in enumerate(choices) if taken) or "0"


def parsed(schedule: str) -> dict[int, int]:
    """The choices that are not 0, by their number. Raises ValueError."""
    if schedule.strip() == "0":
        return {}
    choices: dict[int, int] = {}
    for part in schedule.split(","):
        number, colon, taken = part.strip().partition(":")
        if not (colon and number.isdecimal() and taken.isdecimal()):
            raise ValueError(f"a schedule is written like 12:1,40:2 (or 0), not {schedule!r}")
        choices[int(number)] = int(taken)
    return choices
