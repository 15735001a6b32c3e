"""Schedules that failed, kept beside the project, so that they are run first the next time.

Each test has a file of its own, so that processes of pytest-xdist don't write the same one; it is put in its place by
a rename. A folder that cannot be written to keeps nothing, and that is no error: the failure itself is told anyway.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import Any

FOLDER = os.path.join(".wasmill", "schedules")

MOST = 5
"""So many schedules of a test are kept, the newest first."""


class KeptSchedules:
    """The schedules of one scenario of a test on one backend that failed."""

    def __init__(self, root: str, test: str, backend: str) -> None:
        self.name = f"{test} on {backend}"
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:20]
        self.path = os.path.join(root, FOLDER, f"{digest}.json")

    def schedules(self) -> list[str]:
        """The schedules that are kept; [] where the file is missing or is none of ours."""
        try:
            with open(self.path, encoding="utf-8") as file:
                stored: Any = json.load(file)
            return (
                [schedule for schedule in stored["schedules"] if isinstance(schedule, str)]
                if stored["test"] == self.name
                else []
            )
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def add(self, schedule: str) -> None:
        """Keeps a schedule that failed."""
        self._write([schedule, *(other for other in self.schedules() if other != schedule)][:MOST])

    def remove(self, schedule: str) -> None:
        """Forgets a schedule that does not fail any more."""
        self._write([other for other in self.schedules() if other != schedule])

    def _write(self, schedules: list[str]) -> None:
        with suppress(OSError):
            if not schedules:
                os.unlink(self.path)
                return
            folder = os.path.dirname(self.path)
            os.makedirs(folder, exist_ok=True)
            ignore = os.path.join(folder, ".gitignore")
            if not os.path.exists(ignore):
                with open(ignore, "w", encoding="utf-8") as file:
                    file.write("*\n")
            beside = f"{self.path}.{os.getpid()}"
            with open(beside, "w", encoding="utf-8") as file:
                json.dump({"test": self.name, "schedules": schedules}, file, indent=1)
            os.replace(beside, self.path)
