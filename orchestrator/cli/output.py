"""Where text goes: results to standard output, everything for people to standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from orchestrator.cli.uptodate import SIGTERM
from orchestrator.errors import FileError, WasmillError
from orchestrator.report.terminal import Style, shown

TYPE_CHECKING = False  # as in `terminal`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


class Output:
    """The two streams of one command. A reader of standard output who has gone (`wasmill graph | head`) is no error:
    what comes after goes nowhere."""

    def __init__(self) -> None:
        self.quiet = False
        self.events = False
        """Events go to standard output, one a line: then the last line says how the build ended."""
        self.build = 0
        self.ended = False
        """That line was written. `build` is the number of the last build that an event told of."""
        self.clear: Callable[[], None] = _nothing
        """Takes a moving line off the terminal."""
        self._gone = False
        self._mute = False
        if sys.stdout is None:  # closed by the caller: `>&-`
            sys.stdout = _nowhere()
        if sys.stderr is None:
            sys.stderr = _nowhere()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    def out(self, text: str) -> None:
        """A result, to standard output, at once. Raises FileError where there is no room for it, the first time."""
        if self._gone:
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self._gone = True
        except OSError as wrong:
            self._gone = True
            raise FileError(f"standard output cannot be written: {wrong.strerror or wrong}") from wrong

    def interrupted(self, number: int) -> int:
        """A signal ends the command: say so, to people and to who reads the events. The exit code."""
        self.clear()
        if self.events and not self.ended:
            self.ended = True
            with suppress(FileError):
                self.out(f'{{"event":"build-cancelled","build":{self.build}}}')
        self.insist(f"wasmill: {'terminated' if number == SIGTERM else 'interrupted'}")
        return 128 + number

    def say(self, text: str) -> None:
        """Something for people, unless they asked for quiet."""
        if text and not self.quiet:
            self.insist(text)

    def insist(self, text: str) -> None:
        """Something for people that even `-q` does not silence."""
        if self._mute:
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:  # there is nobody left to tell
            self.quiet = self._mute = True

    def error(self, wrong: WasmillError) -> None:
        style = Style.of(sys.stderr)
        place = f"{shown(wrong.where)}: " if wrong.where else ""
        lines = "\n  ".join(shown(line) for line in wrong.what.split("\n"))
        hint = f"\n  {shown(wrong.hint)}" if wrong.hint else ""
        self.insist(f"wasmill: {place}{style.paint(lines, 'error')}{hint}")

    def trace(self, wrong: BaseException) -> None:
        """Where an error of our own came from."""
        import traceback

        self.insist("".join(traceback.format_exception(wrong)).rstrip())

    def close(self) -> None:
        """Leave nothing in a buffer that the interpreter would fail to write at its end."""
        try:
            sys.stdout.flush()
        except OSError:
            self._gone = True
        for stream, lost in ((sys.stdout, self._gone), (sys.stderr, self._mute)):
            if lost:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # as long as the process


def _nothing() -> None: ...
