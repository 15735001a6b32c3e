"""Parses the words after a command into its arguments. Imported only if there is more than a folder."""

from __future__ import annotations

import argparse
import shlex
from types import ModuleType
from typing import NoReturn

from orchestrator.cli.output import Output
from orchestrator.errors import UsageError
from orchestrator.report.terminal import shown


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(shown(message), hint=f"see `{self.prog} --help`")


class _HelpAsked(Exception):
    """Carries the help text out of argparse."""


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _HelpAsked(parser.format_help())


def parse(command: str, module: ModuleType, argv: list[str], output: Output) -> argparse.Namespace | None:
    """Returns the arguments of `command`, or None if its help was asked for, and printed. Words after `--` are
    `arguments.rest`, which is None without `--`."""
    parser = Parser(
        prog=f"wasmill {command}",
        description=module.SUMMARY,
        epilog=module.DETAILS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action=_Help, nargs=0, help="show this and stop")
    module.configure(parser)
    own, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, None)
    own = ["--verify=1" if word == "--verify" else word for word in own]  # its value follows `=`, if any
    try:
        # Intermixed, for `cache gc --force app`: plain argparse considers an optional PATH missing at the first flag.
        arguments, extra = parser.parse_known_intermixed_args(own)
    except _HelpAsked as asked:
        output.out(str(asked).rstrip())
        return None
    if extra:
        raise _unrecognised(command, arguments, extra)
    if rest is not None and command != "run":
        raise UsageError("only `run` takes arguments after `--`", hint=f"see `wasmill {command} --help`")
    arguments.rest = rest
    return arguments


def _unrecognised(command: str, arguments: argparse.Namespace, extra: list[str]) -> UsageError:
    hint = f"see `wasmill {command} --help`"
    if command == "run":
        meant = shlex.join(["wasmill", "run", arguments.path, "--", *extra])
        hint = f"arguments for the program go after `--`: {meant}"
    return UsageError(f"unrecognized arguments: {shlex.join(extra)}", hint=hint)
