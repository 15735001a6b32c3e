"""`wasmill build`: compile what changed, link the program."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from orchestrator.cli import session, up_to_date
from orchestrator.cli.arguments import add_build_flags, add_json, add_path, add_quiet, add_verify, folder, settings
from orchestrator.cli.output import Output
from orchestrator.config import Config, load
from orchestrator.report.diagnostics import render_all
from orchestrator.report.paths import here
from orchestrator.report.progress import summary
from orchestrator.report.terminal import Style
from orchestrator.result import BuildResult

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from contextlib import AbstractAsyncContextManager

    from orchestrator.api import Project
    from orchestrator.keywords import Settings

SUMMARY = "Compile the modules that changed, and those that depend on them; link the program."

DETAILS = """\
Every module under the source root is compiled, reachable or not; the program links what the
entry reaches. Without an entry the modules are compiled and there is no program.

A module that fails does not stop the others. Then no program is linked, and the one of an
earlier build stays as it is.

--json prints one JSON object a line: {"event": "build-started", ...} and so on, the last one
{"event": "build-finished", ...} with the result; "build-cancelled" where the build was
interrupted. A wrong configuration begins no build: then there is no line at all. Readers must
ignore fields they don't know.

examples:
  wasmill build                     this folder
  wasmill build app --profile release
  wasmill build app --json | tail -n 1
  wasmill build --record app.trace  record everything, for `wasmill trace replay`
  wasmill build --verify=0.01       compile a random hundredth again, and compare

exit codes: 0 built, 1 the sources are wrong, 2 wrong usage or configuration,
3 wasmill failed, or the program could not be written
"""


def configure(parser: ArgumentParser) -> None:
    add_path(parser)
    add_build_flags(parser)
    add_verify(parser)
    add_quiet(parser)
    add_json(parser, "one JSON object for each event, on standard output")
    parser.add_argument(
        "--record", metavar="FILE", help="write every message and event to FILE, sources and objects among them"
    )


def _opened(arguments: Namespace, said: Settings, config: Config) -> AbstractAsyncContextManager[Project]:
    if arguments.record:
        from orchestrator.recording import recorded

        return recorded(arguments.path, arguments.record, **said)
    return session.opened(arguments.path, said, config)


def execute(arguments: Namespace, output: Output) -> int:
    said, place = settings(arguments), folder(arguments)
    opening = session.opening_of(arguments, place, said)
    config = opening.config if opening is not None else load(place, said)
    before = _stamp(config.build.output)

    def finish(result: BuildResult) -> int:
        unchanged = result.success and not result.compiled_modules and before == _stamp(config.build.output)
        unchanged = unchanged and (result.program is not None or before is None)  # else the program is another build's
        nothing_done = unchanged and not arguments.verify
        tell(result, config, output, nothing_done=nothing_done)
        return result.exit_code

    async def body() -> int:
        from orchestrator.cli import looped

        async with _opened(arguments, said, config) as project:
            result = await looped.build(project, arguments, output)
        return finish(result)

    code = session.at_once(opening, arguments, output, finish) if opening is not None else None
    if code is None:
        code = session.in_loop(body, output)
    session.start_server(config, arguments.path)
    return code


def tell(result: BuildResult, config: Config, output: Output, *, nothing_done: bool = False) -> None:
    """Prints diagnostics and the summary. With `-q`, only errors."""
    style = Style.of(sys.stderr)
    shown = [diagnostic for diagnostic in result.diagnostics if diagnostic.severity == "error" or not output.quiet]
    text = render_all(shown, style, here(config.root))
    if text:
        output.insist(text + "\n")
    if nothing_done and result.cache_degraded is None:
        output.say(up_to_date(result.cache_hits))
        return
    old = config.build.output if config.build.output and os.path.exists(config.build.output) else ""
    wanted = "" if result.program else config.entry
    output.say(summary(result, style, old=old, wanted=wanted))


def _stamp(file: str) -> tuple[int, int, int] | None:
    """Returns enough of `stat` to see that a file was replaced; None if there is no file."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
