"""The flags that commands share, and their translation into settings."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from orchestrator.cli import plain_build
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from orchestrator.keywords import Settings


def plain(argv: list[str]) -> argparse.Namespace | None:
    """Returns what `parser.parse` returns for `build [-q] [PATH]` and `run [-q] [PATH] [-- ARGS]`, the most frequent
    command lines, without argparse, which takes as long as compiling a module. None for every other command line."""
    own, rest = argv, None
    if argv[:1] == ["run"]:
        own = ["build", *argv[1:]]
        if "--" in own:
            end = own.index("--")
            own, rest = own[:end], own[end + 1 :]
    asked = plain_build(own)
    if asked is None:
        return None
    path, quiet = asked
    unsaid = {**_UNSAID, **_UNSAID_BUILD} if own is argv else _UNSAID
    return cast("argparse.Namespace", SimpleNamespace(path=path, quiet=quiet, rest=rest, json=False, **unsaid))


_UNSAID = {
    "jobs": None,
    "profile": None,
    "invalidation": None,
    "force": False,
    "no_cache": False,
    "remote_cache": None,
    "no_remote": False,
    "upload": False,
}
_UNSAID_BUILD = {"verify": 0.0, "verify_seed": None, "record": None}


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
    _add_remote_flags(parser)


def _add_remote_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--remote-cache", metavar="URL", help="look in the cache of this server too")
    parser.add_argument("--no-remote", action="store_true", help="ask no remote cache")
    parser.add_argument("--upload", action="store_true", help="send what is compiled to the remote cache")


def add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--verify",
        metavar="SHARE",
        type=_share,
        default=0.0,
        help="compile what the build uses again, with nothing reused, and compare; --verify=0.01: a random hundredth",
    )
    parser.add_argument("--verify-seed", metavar="N", type=_whole, help="which modules a SHARE takes (default: random)")


def settings(arguments: argparse.Namespace) -> Settings:
    """Returns what the flags set, by the leaf names of the settings."""
    values = {key: getattr(arguments, key, None) for key in ("jobs", "profile", "invalidation")}
    if getattr(arguments, "no_cache", False):
        values["enabled"] = False
    if getattr(arguments, "remote_cache", None) is not None:
        values["cache"] = arguments.remote_cache
    if getattr(arguments, "no_remote", False):
        values["cache"] = ""
    if getattr(arguments, "upload", False):
        values["upload"] = True
    return cast("Settings", {key: value for key, value in values.items() if value is not None})


def folder(arguments: argparse.Namespace) -> str:
    """Returns the PATH of a command that takes a folder. Raises UsageError for a file."""
    path: str = arguments.path
    if os.path.isfile(path):
        raise UsageError(
            f"`{path}` is a file, and this takes the folder of a project", hint=f"to run it: `wasmill run {path}`"
        )
    return path


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 < share <= 1.0:
        import argparse

        raise argparse.ArgumentTypeError(
            f"`{text}` is not a share: a number above 0 and at most 1, as in --verify=0.01"
        )
    return share


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        import argparse

        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number") from None
