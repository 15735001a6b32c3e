"""`wasmill run`: build, then run the program with this process's own streams."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from orchestrator.cli import session
from orchestrator.cli.arguments import add_build_flags, add_path, add_quiet, settings
from orchestrator.cli.build import tell
from orchestrator.cli.output import Output
from orchestrator.config import load
from orchestrator.errors import ProjectError, UsageError
from orchestrator.report.diagnostics import render_all
from orchestrator.report.paths import here
from orchestrator.report.terminal import Style, shown
from orchestrator.result import BuildResult

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

SUMMARY = "Build, then run the program. Its input, output and exit code are its own."

DETAILS = """\
PATH may be a single source file: then its folder is the source root, only the modules that it
reaches are compiled, and neither a program nor a cache stays behind.

The program gets the arguments after `--`. It may use 1 GiB of memory, run as
long as it likes and open no folder, unless [run] in wasmill.toml says otherwise.

examples:
  wasmill run
  wasmill run app -- --verbose input.txt
  wasmill run hello.ext

exit codes: the program's own (1 where it could not write its output), 134 where it trapped
or reached a limit;
where it could not be started: 1 the sources are wrong, 2 wrong usage or configuration or no entry,
3 wasmill failed, or the program could not be written
"""


def configure(parser: ArgumentParser) -> None:
    add_path(parser, "the project's folder (default: this one), or a single source file")
    add_build_flags(parser)
    add_quiet(parser)
    from argparse import SUPPRESS

    parser.add_argument("--json", action="store_true", help=SUPPRESS)


def execute(arguments: Namespace, output: Output) -> int:
    if arguments.json:
        what = "`run` has no --json: standard output is the program's"
        raise UsageError(what, hint="`wasmill build --json`, then `wasmill run`")
    said = settings(arguments)
    opening = session.opening_of(arguments, arguments.path, said)
    config = opening.config if opening is not None else load(arguments.path, said)

    def program(result: BuildResult) -> str:
        """Returns the program to run; "" where there is none, after saying why."""
        if not result.success:
            tell(result, config, output)
            return ""
        if result.program is None:
            where = os.path.join(config.root, config.entry)
            raise ProjectError("there is nothing to run: no entry", hint=f"looked for {where}")
        output.say(render_all(result.diagnostics, Style.of(sys.stderr), here(config.root)))
        return str(result.program)

    def finish(result: BuildResult) -> int:
        file = program(result)
        if not file:
            return result.exit_code
        from orchestrator.running import run_at_once

        with session.Signals(output) as signals:
            code, message = run_at_once(config, file, arguments.rest or (), signals.came)
            if signals.first:
                return output.interrupted(signals.first)
        if message:
            output.insist(shown(message))
        return code

    async def body() -> int:
        from orchestrator.cli import looped

        async with session.opened(arguments.path, said, config) as project:
            result = await looped.build(project, arguments, output)
            file = program(result)
            if not file:
                return result.exit_code
            from orchestrator.running import run_attached

            if session.program_starts is not None:
                session.program_starts()
            code, message = await run_attached(config, file, arguments.rest or ())
            if message:
                output.insist(shown(message))
            return code

    code = session.at_once(opening, arguments, output, finish) if opening is not None else None
    if code is None:
        code = session.in_loop(body, output)
    session.start_server(config, arguments.path)
    return code
