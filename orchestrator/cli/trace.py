"""`wasmill trace`: inspect a recorded build."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import anyio

from orchestrator.cli.arguments import add_quiet
from orchestrator.cli.output import Output

ACTIONS = ("replay",)

SUMMARY = "Look into a build that was recorded with `wasmill build --record FILE`."

DETAILS = """\
  replay    give the planner and the cache keeper of this very program what theirs were
            given in the recording, and show where they part: where they now decide
            otherwise. Nothing is compiled, and no file is touched but FILE, which is read

A recording holds every message between the actors and every event of a build, sources and
objects too: give it only to those who may see them. It can be replayed by the version of
wasmill that made it, and by later ones until their messages change; others refuse it.

examples:
  wasmill build app --record app.trace
  wasmill trace replay app.trace

exit codes: 0 nothing differs, 1 something does, 2 wrong usage, 3 no such recording
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=ACTIONS, help=", ".join(ACTIONS))
    parser.add_argument("file", metavar="FILE", help="the recording")
    add_quiet(parser)


def execute(arguments: Namespace, output: Output) -> int:
    from orchestrator.recording import read, replay
    from orchestrator.report.terminal import shown

    recording = read(arguments.file)
    backend, options = _loop()
    replayed = anyio.run(replay, recording, backend=backend, backend_options=options)
    if not output.quiet:
        for line in replayed.report().splitlines():
            output.out(shown(line))
    return 1 if replayed.differences else 0


def _loop() -> tuple[str, dict[str, object]]:
    """Returns Trio with a clock that shows the recorded time if Trio is installed, otherwise asyncio."""
    try:
        import trio.testing
    except ImportError:
        return "asyncio", {}
    return "trio", {"clock": trio.testing.MockClock()}
