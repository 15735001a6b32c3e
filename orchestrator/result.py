"""What `build` and `run` return."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actors.result import Result
from orchestrator.keywords import LimitName


class BuildResult(Result[Path], frozen=True, kw_only=True):
    """How a build ended; `actors/result.py` documents the fields. `duration_ms` is the time that the caller waited."""

    @property
    def exit_code(self) -> int:
        """The exit code of `wasmill build`: 0 built, 1 the sources are wrong, 3 the program could not be written."""
        if self.success:
            return 0
        return 3 if any(diagnostic.code in NOT_WRITTEN for diagnostic in self.diagnostics) else 1


def build_result(result: Result[str]) -> BuildResult:
    """Returns the planner's result for one caller. The caller gets copies of the lists, because other callers and later
    builds share the originals."""
    fields = {name: getattr(result, name) for name in result.__struct_fields__}
    for name, value in fields.items():
        if type(value) in (list, dict):
            fields[name] = value.copy()
    fields["recompiled_functions"].sort()
    fields["program"] = Path(result.program) if result.program else None
    return BuildResult(**fields)


NOT_WRITTEN = frozenset({"E0814", "E0815"})
"""Codes of errors that occur although the sources are right."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the program ended, and what it wrote. A trap or a limit ends it with exit code 134 and a message in
    `stderr`."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    limit: LimitName | None = None
    """The limit that ended it ("memory", "fuel", "seconds" or "output"), or None."""
