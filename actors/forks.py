"""What a process that forks leaves to its child, and what the child must let go of.

Of all threads the child has only the one that forked, and of everything open it has a copy: the locks of a cache would
stay locked for as long as the child lives, worker processes would outlive the parent who started them. So whoever holds
such a thing says so here, and the child closes its copies. Closing a copy unlocks nothing: these locks belong to the
open file, which the parent still has.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet


class Holder(Protocol):
    """Something that is open, and whose copy in a child is to be closed and nothing else."""

    def let_go(self) -> None: ...


_holders: WeakSet[Holder] = WeakSet()


def close_in_child(holder: Holder) -> None:
    """Have a child that this process forks close its copy."""
    _holders.add(holder)


class OwnProcess:
    """The process that made this object: `is_fork` says whether the caller is in a fork of it."""

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
