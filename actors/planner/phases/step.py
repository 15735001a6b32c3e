"""What all phases of a build have in common."""

from __future__ import annotations

from actors.messages import Message
from actors.planner.desk import Desk
from actors.planner.run import Run


class Step:
    """What is done in one phase, or in a few that belong together. It is begun by the step before it, gets the answers
    to what it asked (`answered`), and may go on whenever anything has arrived (`advance`). It says where the build goes
    next with `run.go`. What only it needs is its own; `forget` drops that, because the build was cancelled."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        raise RuntimeError(f"nobody asked for a {type(answer).__name__} in {run.phase.name}")

    def advance(self, run: Run) -> None:
        raise NotImplementedError

    def forget(self) -> None:
        pass
