"""For the tests of worker processes: which there are, and waiting for one to end, without sleeping."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def workers_of(parent: int) -> set[int]:
    """The worker processes that `parent` has."""
    found = set()
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            with suppress(OSError):
                above = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                if above == parent and b"actors.compiler.process" in (place / "cmdline").read_bytes():
                    found.add(int(place.name))
    return found


def workers() -> set[int]:
    return workers_of(os.getpid())


def running(pid: int) -> bool:
    """Whether a process is there, and more than its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def all_end(pids: Iterable[int], seconds: float = 20.0) -> bool:
    """Wait until none of these processes runs any more."""
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if not select.select([handle], [], [], seconds)[0]:
                    return False
            finally:
                os.close(handle)
    return not any(map(running, pids))
