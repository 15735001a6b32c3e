"""Runs one command in an event loop: signals, and a build whose events are printed. `session.py` imports this for the
commands that need one."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import msgspec

from actors.events import BuildCancelled, BuildFinished, BuildStalled, Event
from orchestrator.cli.output import Output
from orchestrator.report.progress import Progress, stalled

if TYPE_CHECKING:
    from argparse import Namespace

    from orchestrator.api import Project
    from orchestrator.result import BuildResult


Body = Callable[[], Awaitable[int]]


def in_loop(body: Body, output: Output) -> int:
    """As `session.in_loop`."""
    return anyio.run(_in_loop, body, output)


async def _in_loop(body: Body, output: Output) -> int:
    # Garbage collection was off during the imports (`uptodate.main`). What they made stays alive, so it is frozen.
    gc.freeze()
    gc.enable()
    return await _Session(output).run(body)


class _Session:
    def __init__(self, output: Output) -> None:
        self.output = output
        self.signal = 0
        self.scope = anyio.CancelScope()

    async def run(self, body: Body) -> int:
        code, error = 3, None
        async with anyio.create_task_group() as group:
            await group.start(self._listen)
            with self.scope:
                try:
                    code = await body()
                except Exception as wrong:  # raised below, outside of the exception group
                    error = wrong
            if self.signal:  # reported while signals are still handled, so that another one cannot interfere
                code = self.output.interrupted(self.signal)
            group.cancel_scope.cancel()
        if self.signal:
            return code
        if error is not None:
            raise error
        return code

    async def _listen(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for number in received:
                if self.signal:
                    os._exit(self.output.interrupted(number))
                self.signal = number
                self.scope.cancel()


async def build(project: Project, arguments: Namespace, output: Output) -> BuildResult:
    """Builds with everything that the flags ask for. Events go to standard output with `--json`, and to the progress
    line on a terminal."""
    progress = Progress(sys.stderr, live=False if output.quiet else None)
    output.clear = progress.close

    def warn(event: Event) -> None:
        if isinstance(event, BuildStalled):
            progress.close()
            output.say(stalled(event))

    silence = project.listen(warn, rare=True)
    try:
        return await _build(project, arguments, output, progress)
    finally:
        silence()
        progress.close()


async def _build(project: Project, arguments: Namespace, output: Output, progress: Progress) -> BuildResult:
    as_json = getattr(arguments, "json", False)
    start = partial(
        project.build,
        force=getattr(arguments, "force", False),
        verify=getattr(arguments, "verify", 0.0),
        verify_seed=getattr(arguments, "verify_seed", None),
    )
    if not as_json and not progress.live:
        return await start()
    result: BuildResult | None = None
    errors: list[Exception] = []  # Raised below, outside of the exception group.
    async with project.events(on_full="wait" if as_json else "drop") as events, anyio.create_task_group() as group:

        async def follow() -> None:
            try:
                await _follow(events, output if as_json else None, progress)
            except Exception as wrong:
                errors.append(wrong)
                group.cancel_scope.cancel()

        group.start_soon(follow)
        try:
            result = await start()
        except Exception as wrong:
            errors.append(wrong)
            group.cancel_scope.cancel()
    progress.close()
    if errors:
        raise errors[0]
    assert result is not None
    return result


def ascii_only(text: str) -> str:
    """Returns JSON with everything but ASCII escaped, because a terminal obeys U+009B, and U+202E reverses the line."""
    if text.isascii():
        return text
    import json

    return json.dumps(json.loads(text))


async def _follow(events: AsyncIterator[Event], output: Output | None, progress: Progress) -> None:
    encode = msgspec.json.encode
    async for event in events:
        if output is not None:
            output.build = event.build
            await output.send(ascii_only(encode(event).decode()))
            output.ended = isinstance(event, (BuildFinished, BuildCancelled))
        progress.see(event)
        if isinstance(event, (BuildFinished, BuildCancelled)):
            return
