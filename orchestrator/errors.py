"""What can go wrong around a build, as exceptions. What is wrong in the sources is a `Diagnostic`, never one of these.

    WasmillError             everything below: catch this one
    ├── UsageError           the call itself is wrong: a command, a flag, an argument                     exit code 2
    ├── ConfigError          wasmill.toml or a keyword setting is wrong; names file, line and key         exit code 2
    ├── ProjectError         the project cannot be used: no such folder, unreadable, closed, no program   exit code 2
    │   └── BuildFailed      `run`: the sources are wrong (3: the program was not written)               exit code 1
    ├── BuildCancelled       a build was cancelled before it finished                                     exit code 130
    ├── FileError            the system refused to write or remove something, or a link leads elsewhere   exit code 3
    └── ProjectBroken        a bug in an actor ended the Project; the original error is its cause         exit code 3

A single exception leaves `open` and `build` as itself, never wrapped in a group.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from `typing`, which takes longer to import than this file
if TYPE_CHECKING:
    from orchestrator.result import BuildResult

FEW = 3
"""The text of the exception names this many errors of a failed build."""


class WasmillError(Exception):
    """`what` went wrong, `where` ("wasmill.toml:3", "" for no place), and what to do about it (`hint`, may be "")."""

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.what}{hint}"


class UsageError(WasmillError):
    """The command line or an API call asks for something that does not exist."""

    exit_code = 2


class ConfigError(WasmillError):
    """A setting is wrong. `key` is its dotted name ("build.jobs"; for a keyword, its own name), or "" if the whole file
    is wrong."""

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", hint: str = "", key: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.key = key


class ProjectError(WasmillError):
    """The project cannot be used, or not in the way that was asked for."""

    exit_code = 2


class BuildFailed(ProjectError):
    """There is nothing to run because the build failed. `result` is the build's result, with all diagnostics; the text
    names the first errors."""

    exit_code = 1

    def __init__(self, result: BuildResult) -> None:
        self.result = result
        self.exit_code = result.exit_code
        errors = [diagnostic for diagnostic in result.diagnostics if diagnostic.severity == "error"]
        lines = ["there is no program to run: the build failed"]
        for error in errors[:FEW]:
            place = {"source": f"{error.file}:{error.line}: ", "file": f"{error.file}: "}.get(error.place, "")
            lines.append(f"{place}{error.message} [{error.code}]")
        if len(errors) > FEW:
            lines.append(f"and {len(errors) - FEW} more")
        super().__init__("\n  ".join(lines))


class FileError(WasmillError):
    """A file cannot be written or removed, or a link would put it somewhere unexpected."""


class BuildCancelled(WasmillError):
    """The build was cancelled. The cache keeps what was compiled until then; snapshot and program are untouched."""

    exit_code = 130


class ProjectBroken(WasmillError):
    """An actor raised an exception, which is always a bug in Wasmill. The original error is `__cause__`; every later
    call raises this again."""
