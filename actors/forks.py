"""What a fork of this process must close.

A forked child has only the thread that forked, but a copy of every open file. So a cache's locks would stay locked
while the child lives, and worker processes would outlive the parent that started them. Objects that hold such files
register here, and the child closes its copies. Closing a copy unlocks nothing in the parent, because these locks belong
to the open file, and the parent still has it open.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet


class Holder(Protocol):
    """An object with open files. `let_go` closes the copies in a child, and does nothing else."""

    def let_go(self) -> None: ...


_holders: WeakSet[Holder] = WeakSet()


def close_in_child(holder: Holder) -> None:
    """Has forks of this process call `let_go` of `holder`."""
    _holders.add(holder)


class OwnProcess:
    """The process that made this object. `is_fork` says whether the caller is in a fork of it."""

    __slots__ = ("_number",)

    def __init__(self) -> None:
        self._number = os.getpid()

    @property
    def is_fork(self) -> bool:
        return os.getpid() != self._number


def _in_child() -> None:
    for holder in list(_holders):
        with suppress(OSError):
            holder.let_go()
    _holders.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
