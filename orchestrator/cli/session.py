"""What commands share: a project, a loop to build it in, and a server for the next command.

A small build without a reader of events needs no event loop (`at_once`); everything else runs in one (`looped.py`)."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from orchestrator.cli.output import Output
from orchestrator.errors import WasmillError
from orchestrator.result import BuildResult

if TYPE_CHECKING:
    from argparse import Namespace
    from contextlib import AbstractAsyncContextManager

    from orchestrator.api import Project
    from orchestrator.cli.looped import Body
    from orchestrator.config import Config
    from orchestrator.keywords import Settings
    from orchestrator.opening import Opening

Opener = Callable[[str, "Settings", "Config"], "AbstractAsyncContextManager[Project]"]

opener: Opener | None = None
"""Opens a project in place of `orchestrator.open`. Set only in the child of a server
(`orchestrator/server/child.py`)."""

program_starts: Callable[[], object] | None = None
"""Is called before a program runs, because from then on a command cannot be begun again. Set as `opener` is."""


def opened(place: str, said: Settings, config: Config) -> AbstractAsyncContextManager[Project]:
    """Returns the project of a command, for `async with`."""
    if opener is not None:
        return opener(place, said, config)
    import orchestrator

    return orchestrator.open(place, **said)


def in_loop(body: Body, output: Output) -> int:
    """Runs `body` until it ends, or until Ctrl-C (130) or SIGTERM (143) cancels it. A second signal ends the process at
    once."""
    from orchestrator.cli import looped

    return looped.in_loop(body, output)


def opening_of(arguments: Namespace, place: str, said: Settings) -> Opening | None:
    """Returns the project of a `build` or `run` that may need no event loop. None where its events are printed or
    recorded, where it verifies (which workers share), where a server builds, and where there is a remote cache."""
    said_too = vars(arguments)
    if opener is not None or any(said_too.get(flag) for flag in ("json", "record", "verify")):
        return None
    from actors.disk import REAL
    from orchestrator.opening import Opening

    opening = Opening(place, None, REAL, said)
    return None if opening.config.remote.cache else opening


def at_once(opening: Opening, arguments: Namespace, output: Output, finish: Callable[[BuildResult], int]) -> int | None:
    """Builds without an event loop, and returns what `finish` makes of the result, or the exit code for a signal, which
    is as in `in_loop`. None where the build is to begin again in a loop, because it is no small one. A program without
    a place is in a temporary folder until `finish` returns."""
    place = opening.config.build.output
    if place:
        result = _built(opening, arguments, output, place)
        return finish(result) if isinstance(result, BuildResult) else result
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="wasmill-", ignore_cleanup_errors=True) as folder:
        result = _built(opening, arguments, output, os.path.join(folder, "program.wasm"))
        return finish(result) if isinstance(result, BuildResult) else result


def _built(opening: Opening, arguments: Namespace, output: Output, place: str) -> BuildResult | int | None:
    """Returns the result of a build without an event loop, or what `at_once` is to return in its stead."""
    from actors.events import BuildStalled, Event, Events
    from actors.plainloop import PlainLoop
    from orchestrator.direct import DirectBuild
    from orchestrator.report.progress import Progress, stalled

    progress = Progress(sys.stderr, live=False if output.quiet else None)
    output.clear = progress.close
    events = Events()

    def warn(event: Event) -> None:
        if isinstance(event, BuildStalled):
            progress.close()
            output.say(stalled(event))

    events.listen(warn, rare=True)
    if progress.live:
        events.listen(progress.see)
    # What the imports made stays alive, so it is frozen (as in `looped.py`).
    gc.freeze()
    gc.enable()
    with Signals(output) as signals:
        try:
            build = DirectBuild(opening, PlainLoop(), events, signals.came)
            result = build.build(place, force=arguments.force)
        finally:
            progress.close()
        return output.interrupted(signals.first) if signals.first else result


class Signals:
    """Notes the first signal, so that it cancels a build between two steps, or stops a program; ends the process at the
    second one."""

    def __init__(self, output: Output) -> None:
        self.first = 0
        self._output = output
        self._before: dict[int, Any] = {}

    def came(self) -> bool:
        return self.first != 0

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: object) -> None:
        if self.first:
            os._exit(self._output.interrupted(number))
        self.first = number


def start_server(config: Config, place: str) -> None:
    """Starts a server for the next command, if the settings want one and there is none. What hinders that is no error
    of this command."""
    if not config.build.server or opener is not None:
        return
    from orchestrator.server.place import ServerFolder, served_folder, start

    with suppress(WasmillError, OSError):
        folder = served_folder(config, place)
        if not ServerFolder(folder).taken():
            start(folder, wait=False)
