"""Nothing is left over: no task, no process, no open file and no thread.

    async with no_leaks():
        async with orchestrator.open(folder) as project:
            await project.build()

Anything that exists at the end and did not at the beginning raises `Leaked`, which names it. The threads that event
loops keep for later (AnyIO's and Trio's idle workers) are no leak, nor are the descriptors of the loop itself. Files
and processes are seen where `/proc` or `/dev/fd` show them (Linux, macOS for files); elsewhere only tasks and threads
are looked at."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NamedTuple

import anyio
import anyio.lowlevel

ROUNDS = 50
"""The number of turns of the loop for which tasks that are ending are given time to end."""

_POOLS = ("AnyIO worker thread", "Trio thread", "asyncio_", "trio ", "waitpid-", "wasmill sqlite")
"""Beginnings of the names of threads that a loop keeps for later, or that end by themselves."""


class Leaked(AssertionError):
    """Something is left over. `what` lists it."""

    def __init__(self, what: list[str]) -> None:
        super().__init__("left over: " + "; ".join(what))
        self.what = what


class Holdings(NamedTuple):
    """What this process holds: task names by identity, process ids, files (descriptor and what it is), threads."""

    tasks: dict[int, str]
    processes: frozenset[int]
    files: frozenset[tuple[int, str]]
    threads: dict[int, str]

    def more_than(self, before: Holdings) -> list[str]:
        """Describes what is held now and was not held before."""
        return [
            *(f"task {name}" for identity, name in self.tasks.items() if identity not in before.tasks),
            *(f"process {process}" for process in sorted(self.processes - before.processes)),
            *(f"file {number} ({name})" for number, name in sorted(self.files - before.files)),
            *(f"thread {name}" for identity, name in self.threads.items() if identity not in before.threads),
        ]


def holdings(tasks: dict[int, str] | None = None) -> Holdings:
    """What this process holds now; `tasks` are those of the event loop, where there is one."""
    threads = {thread.ident or 0: thread.name for thread in threading.enumerate() if not thread.name.startswith(_POOLS)}
    return Holdings(tasks or {}, frozenset(_children()), frozenset(_files()), threads)


@asynccontextmanager
async def no_leaks() -> AsyncIterator[None]:
    """Raises `Leaked` where the body leaves something. An exception of the body goes before that."""
    before = holdings(_tasks())
    yield
    left: list[str] = []
    for _ in range(ROUNDS):
        left = holdings(_tasks()).more_than(before)
        if not left:
            return
        await anyio.lowlevel.checkpoint()
    raise Leaked(left)


@contextmanager
def no_leaks_here() -> Iterator[None]:
    """The same for code without an event loop, or around a whole one: then its own descriptors count, too."""
    before = holdings()
    yield
    left = holdings().more_than(before)
    if left:
        raise Leaked(left)


def _tasks() -> dict[int, str]:
    """The tasks of the running loop but for this one."""
    own = anyio.get_current_task().id
    return {task.id: task.name or "without a name" for task in anyio.get_running_tasks() if task.id != own}


def _children() -> Iterator[int]:
    """The processes that this one has started, and has not waited for."""
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())


def _files() -> Iterator[tuple[int, str]]:
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    with suppress(OSError):
        for number in os.listdir(folder):
            with suppress(OSError):
                name = os.readlink(f"{folder}/{number}")
                if not name.startswith(("/proc/", "anon_inode:")):
                    yield int(number), name
