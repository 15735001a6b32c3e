"""Where text goes: results to standard output, everything for people to standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from orchestrator.cli import SIGTERM
from orchestrator.errors import FileError, WasmillError
from orchestrator.report.terminal import Style, shown

TYPE_CHECKING = False  # as in `terminal`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


PIPE_BYTES = 4096
"""What `select` promises: so much can be written without waiting (PIPE_BUF)."""

LAST_SECONDS = 1.0
"""So long the last line of an interrupted build waits for a reader who does not read."""


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
        self._cut = False  # the last line on standard output has no end yet
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

    async def send(self, text: str) -> None:
        """As `out`, from an event loop: a reader who does not read holds up the command, but no signal to it."""
        file = _pipe()
        if file is None:
            self.out(text)
            return
        data = f"{text}\n".encode("ascii", "backslashreplace")
        sys.stdout.flush()
        try:
            while data and not self._gone:
                if not _has_room(file):
                    from anyio import wait_writable

                    await wait_writable(file)
                # A pipe that has room has it for so many bytes.
                self._cut = True
                data = data[os.write(file, data[:PIPE_BYTES]) :]
            self._cut = False
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
            file = _pipe()
            if file is None or _has_room(file, LAST_SECONDS):  # else nobody reads it, and the end must not wait
                with suppress(FileError):
                    newline = "\n" if self._cut else ""
                    self.out(f'{newline}{{"event":"build-cancelled","build":{self.build}}}')
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


def _pipe() -> int | None:
    """The descriptor of standard output where that is a pipe or a socket, whose reader may let us wait."""
    import stat

    try:
        file = sys.stdout.fileno()
        mode = os.fstat(file).st_mode
    except (OSError, ValueError, AttributeError):
        return None
    return file if os.name == "posix" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) else None


def _has_room(file: int, seconds: float = 0.0) -> bool:
    """Whether it can be written without waiting, or can be before so long."""
    from select import POLLOUT, poll

    waiting = poll()
    waiting.register(file, POLLOUT)
    return bool(waiting.poll(seconds * 1000))
