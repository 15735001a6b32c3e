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
"""So many bytes can be written without blocking once `select` reports room (PIPE_BUF)."""

LAST_SECONDS = 1.0
"""How many seconds the last line of an interrupted build waits for a reader that does not read."""


class Output:
    """The two streams of one command. It is not an error if the reader of standard output is gone (`wasmill graph |
    head`): further output is discarded."""

    def __init__(self) -> None:
        self.quiet = False
        self.events = False
        """Events go to standard output, one per line; the last line tells how the build ended."""
        self.build = 0
        self.ended = False
        """Whether that line was written. `build` is the number of the last build that an event mentioned."""
        self.clear: Callable[[], None] = _nothing
        """Removes a progress line from the terminal."""
        self._cut = False  # the last line on standard output is incomplete
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
        """Writes a result to standard output at once. Raises FileError if there is no room for it, but only the first
        time."""
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
        """Like `out`, from an event loop: a reader that does not read blocks the command, but not its handling of
        signals."""
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
                # A pipe that is writable takes this many bytes without blocking.
                self._cut = True
                data = data[os.write(file, data[:PIPE_BYTES]) :]
            self._cut = False
        except BrokenPipeError:
            self._gone = True
        except OSError as wrong:
            self._gone = True
            raise FileError(f"standard output cannot be written: {wrong.strerror or wrong}") from wrong

    def interrupted(self, number: int) -> int:
        """Reports that a signal ends the command, to people and to readers of events. Returns the exit code."""
        self.clear()
        if self.events and not self.ended:
            self.ended = True
            file = _pipe()
            if file is None or _has_room(file, LAST_SECONDS):  # otherwise nobody reads it, and exiting must not wait
                with suppress(FileError):
                    newline = "\n" if self._cut else ""
                    self.out(f'{newline}{{"event":"build-cancelled","build":{self.build}}}')
        self.insist(f"wasmill: {'terminated' if number == SIGTERM else 'interrupted'}")
        return 128 + number

    def say(self, text: str) -> None:
        """Prints something for people, unless they asked for quiet."""
        if text and not self.quiet:
            self.insist(text)

    def insist(self, text: str) -> None:
        """Prints something for people, even with `-q`."""
        if self._mute:
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:  # nobody is left to read it
            self.quiet = self._mute = True

    def error(self, wrong: WasmillError) -> None:
        style = Style.of(sys.stderr)
        place = f"{shown(wrong.where)}: " if wrong.where else ""
        lines = "\n  ".join(shown(line) for line in wrong.what.split("\n"))
        hint = f"\n  {shown(wrong.hint)}" if wrong.hint else ""
        self.insist(f"wasmill: {place}{style.paint(lines, 'error')}{hint}")

    def trace(self, wrong: BaseException) -> None:
        """Prints the traceback of an internal error."""
        import traceback

        self.insist("".join(traceback.format_exception(wrong)).rstrip())

    def close(self) -> None:
        """Leaves nothing in a buffer that the interpreter would fail to write when it ends."""
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
    return open(os.devnull, "w", encoding="utf-8")  # stays open until the process ends


def _nothing() -> None: ...


def _pipe() -> int | None:
    """Returns the descriptor of standard output if it is a pipe or a socket, whose reader may block us; otherwise
    None."""
    import stat

    try:
        file = sys.stdout.fileno()
        mode = os.fstat(file).st_mode
    except (OSError, ValueError, AttributeError):
        return None
    return file if os.name == "posix" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) else None


def _has_room(file: int, seconds: float = 0.0) -> bool:
    """Whether the descriptor can be written to without blocking, now or within `seconds`."""
    from select import POLLOUT, poll

    waiting = poll()
    waiting.register(file, POLLOUT)
    return bool(waiting.poll(seconds * 1000))
