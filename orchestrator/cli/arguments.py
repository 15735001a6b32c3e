"""Flags: what all commands share, and the way from a command's flags to settings."""

from __future__ import annotations

import argparse
import os
import shlex
from types import ModuleType
from typing import Any, NoReturn

from orchestrator.cli.output import Output
from orchestrator.errors import UsageError
from orchestrator.report.terminal import shown


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are ours: an exception, not the end of the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(shown(message), hint=f"see `{self.prog} --help`")


class _HelpAsked(Exception):
    """Carries the help's text out of argparse."""


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        raise _HelpAsked(parser.format_help())


def parse(command: str, module: ModuleType, argv: list[str], output: Output) -> argparse.Namespace | None:
    """The arguments of `command`; None where its help was asked for, and printed. What stands behind `--` is
    `arguments.rest`, None where there is no `--`."""
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
    try:
        # Intermixed, for `cache gc --force app`: plain argparse takes an optional PATH as left out at the first flag.
        arguments, extra = parser.parse_known_intermixed_args(own)
    except _HelpAsked as asked:
        output.out(str(asked).rstrip())
        return None
    if extra:
        raise _unrecognised(command, arguments, extra)
    if rest is not None and command != "run":
        raise UsageError("only `run` takes arguments behind `--`", hint=f"see `wasmill {command} --help`")
    arguments.rest = rest
    return arguments


def _unrecognised(command: str, arguments: argparse.Namespace, extra: list[str]) -> UsageError:
    hint = f"see `wasmill {command} --help`"
    if command == "run":
        meant = shlex.join(["wasmill", "run", arguments.path, "--", *extra])
        hint = f"what is meant for the program stands behind `--`: {meant}"
    return UsageError(f"unrecognized arguments: {shlex.join(extra)}", hint=hint)


def add_path(parser: argparse.ArgumentParser, what: str = "the project's folder (default: this one)") -> None:
    parser.add_argument("path", metavar="PATH", nargs="?", default=".", help=what)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=what)


def add_build_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-j", "--jobs", metavar="N", type=_whole, help="how many modules to compile at a time")
    parser.add_argument("--profile", metavar="NAME", help="dev (default), release, or one of wasmill.toml")
    parser.add_argument("--invalidation", metavar="MODE", help="transitive or precise: what a change below asks for")
    parser.add_argument("--force", action="store_true", help="compile every module, whatever the cache has")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the flags set, by the leaf names of the settings."""
    found = {key: getattr(arguments, key, None) for key in ("jobs", "profile", "invalidation")}
    if getattr(arguments, "no_cache", False):
        found["enabled"] = False
    return {key: value for key, value in found.items() if value is not None}


def folder(arguments: argparse.Namespace) -> str:
    """The PATH of a command that wants a folder. Raises UsageError for a file."""
    path: str = arguments.path
    if os.path.isfile(path):
        raise UsageError(
            f"`{path}` is a file, and this takes the folder of a project", hint=f"to run it: `wasmill run {path}`"
        )
    return path


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number") from None
